"""What the window asks of the worker process, a file a group; fineray.engine.jobs has a file of each name too."""

from fineray.engine.requests.labels import LabelRequest, LabelResult
from fineray.engine.requests.models import ModelRequest, ModelResult
from fineray.engine.requests.pacs import PacsRequest, PacsResult
from fineray.engine.requests.project import ProjectRequest, ProjectResult
from fineray.engine.requests.review import ReviewRequest, ReviewResult
from fineray.engine.requests.splits import SplitRequest, SplitResult
from fineray.engine.requests.training import TrainingRequest, TrainingResult

Request = ProjectRequest | LabelRequest | SplitRequest | TrainingRequest | ReviewRequest | ModelRequest | PacsRequest
Result = ProjectResult | LabelResult | SplitResult | TrainingResult | ReviewResult | ModelResult | PacsResult
