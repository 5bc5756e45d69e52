"""The whole way of work speaks to no other computer and asks for no name, in any process, Python or not.

As a user has it: OpenVINO installed, images enough that a backbone is compiled, a home without settings, and none of
the variables by which libraries know a test machine and keep quiet (CI and its like).
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from fineray.engine.requests.pacs import EchoArchive
from fineray.engine.requests.training import ExplainDevice
from fineray.pacs.settings import PacsSettings, Peer, save_settings
from fineray.system.network_use import _in_words, _of_this_computer, watch_network
from fineray.system.silence import REFUSED, SETTINGS
from fineray.system.user_folder import CACHES
from fineray_desktop.help.network_dialog import NOTHING, NetworkDialog
from fineray_desktop.main_window import MainWindow
from tests.support.images import write_classes
from tests.support.recording import can_record
from tests.support.tracing import alone, calls, made, spoken, trace

ROOT = Path(__file__).parents[2]
needs_strace = pytest.mark.skipif(not can_record(), reason="needs strace, allowed to look at processes")
# As many images as make compiling worth while, and a few over: fineray.backbones.runtime.WORTH_COMPILING.
IMAGES = 208


def fresh(root: Path) -> dict[str, str]:
    """The environment of somebody who has just got this computer; its home, temporary and working folder are made.

    root: a short path, since sockets of processes lie in the temporary folder.
    """
    for name in ("home", "temporary", "working"):
        (root / name).mkdir(parents=True)
    home = root / "home"
    return {
        **{name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ},
        "HOME": str(home), "XDG_CONFIG_HOME": str(home / ".config"), "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_DATA_HOME": str(home / ".local/share"), "XDG_RUNTIME_DIR": str(home / "run"),
        "TMPDIR": str(root / "temporary"), "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1",
        "QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "2",
    }  # fmt: skip


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the whole way of work was gone, by commands and in the window, with strace's `log`."""
    pytest.importorskip("openvino")
    root = tmp_path_factory.mktemp("watched")
    environment = fresh(root)
    write_classes(root / "images", IMAGES)
    write_classes(root / "few", 12)
    for words in ([], ["window"]):
        command = [sys.executable, "-m", "tests.robustness.way_of_work", str(root), *words]
        trace(command, root / "log", environment, root / "working")
    return root


@needs_strace
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("watched")
def test_nothing_leaves_this_computer(watched: Path) -> None:
    seen = "\n".join(calls(watched / "log"))
    assert "libopenvino_pytorch_frontend" in seen and "onnxruntime_pybind11_state" in seen, "both were at work"
    assert spoken(watched / "log") == []


@needs_strace
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.xdist_group("watched")
def test_files_lie_in_the_project_and_the_user_folder_alone(watched: Path) -> None:
    """What was made outside what the user named: in Fineray's folder, the window's settings, temporary folders."""
    home, temporary = watched / "home", watched / "temporary"
    ours = (home / ".local/share/Fineray", home / ".config/Fineray", temporary)
    named = ("study", "small", "other", "parts", "maps", "results", "clean", "bundle")
    outside = set()
    for path in made(watched / "log", watched / "working"):
        of_user = path.parent == watched or any(path.is_relative_to(watched / each) for each in named)
        of_user |= str(path).startswith(f"{watched}/.bundle-")  # beside the bundle that is ordered, until it is whole
        system = str(path).startswith(("/dev/", "/proc/"))  # semaphores, names of threads
        above = any(each.is_relative_to(path) for each in ours)
        if not of_user and not system and not above and not any(path.is_relative_to(each) for each in ours):
            outside.add(path)
    assert outside == set() and not list(watched.glob(".bundle-*"))
    left = {path.relative_to(watched) for path in home.rglob("*") if path.is_file()}
    assert {path for path in left if not (watched / path).is_relative_to(ours[0])} <= {
        Path("home/.config/Fineray/Fineray.ini")
    }
    # A working process that is let go leaves at once, and its folder of sockets to the system.
    sockets = {each for each in temporary.glob("pymp-*") if all(entry.is_socket() for entry in each.iterdir())}
    left_over = [each for each in temporary.iterdir() if each not in sockets]
    assert left_over == [] and list((watched / "working").iterdir()) == []


@pytest.mark.integration
@needs_strace
def test_strace_sees_a_look_up_and_a_file_of_a_forked_child(tmp_path: Path) -> None:
    """What the tests above would see, if it were there."""
    code = (
        "import os, pathlib, socket\n"
        "if os.fork() == 0:\n"
        "    (pathlib.Path.home() / 'intel').mkdir()\n"
        "    (pathlib.Path.home() / 'intel' / 'id').write_text('1')\n"
        "    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    for address in (('192.0.2.1', 443), ('127.0.0.1', 53), ('127.0.0.1', 9)):\n"
        "        try: s.connect(address)\n"
        "        except OSError: pass\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    environment = fresh(tmp_path)
    trace([sys.executable, "-c", code], tmp_path / "log", environment, tmp_path / "working")
    assert spoken(tmp_path / "log") == ["connect 192.0.2.1:443", "connect 127.0.0.1:53"]
    home = tmp_path / "home"
    assert {home / "intel", home / "intel/id"} <= made(tmp_path / "log", tmp_path / "working")


IMPORTABLE = """
import importlib, multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from fineray.engine.worker import serve  # as the window does
from fineray.project.files.decoding_pool import DecodingPool
from fineray.project.files.options import ImportOptions
from fineray.project.pixel_store import PixelStore

def importable(names):
    found = []
    for name in names:
        try:
            importlib.import_module(name)
            found.append(name)
        except ImportError:
            pass
    return found, os.environ.get("ORT_DISABLE_TELEMETRY"), os.environ.get("HF_HUB_DISABLE_TELEMETRY")

if __name__ == "__main__":
    names = sys.argv[2:]
    print(importable(names))
    for method in multiprocessing.get_all_start_methods():
        context = multiprocessing.get_context(method)
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            print(pool.submit(importable, names).result())
    with DecodingPool(PixelStore(Path(sys.argv[1])), 64, ImportOptions(), 1) as pool:
        print(pool._pool.submit(importable, names).result())
"""


@pytest.mark.integration
def test_no_process_can_import_a_telemetry_module(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The program itself, and its children however they are started; also those modules that lie below."""
    pytest.importorskip("openvino")
    tmp_path = tmp_path_factory.mktemp("n")
    (tmp_path / "importable.py").write_text(IMPORTABLE)
    names = [*REFUSED, "openvino_telemetry.main", "openvino_telemetry.backend.backend_ga4"]
    environment = {**fresh(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [sys.executable, str(tmp_path / "importable.py"), str(tmp_path / "pixels"), *names]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = done.stdout.splitlines()
    assert len(said) >= 3 and set(said) == {"([], '1', '1')"}


def test_every_telemetry_package_that_is_installed_is_refused() -> None:
    """A library may bring another tomorrow: its name tells it here."""
    words = ("telemetry", "analytics", "sentry", "posthog", "mixpanel", "amplitude", "scarf")
    found = {name for name in importlib.metadata.packages_distributions() if any(each in name for each in words)}
    assert found <= set(REFUSED)


@pytest.mark.integration
def test_a_compiled_network_gives_the_same_and_calls_nobody(tmp_path: Path) -> None:
    """OpenVINO goes on without its telemetry, leaves the home alone and opens no socket; none of its threads waits."""
    pytest.importorskip("openvino")
    code = (
        "import sys, threading\n"
        "asked = []\n"
        "sys.addaudithook(lambda event, words: asked.append(event) if event.startswith('socket.') else None)\n"
        "import torch\n"
        "from fineray.backbones.runtime import OpenVino, agree\n"
        "torch.manual_seed(0)\n"
        "network = torch.nn.Sequential(torch.nn.Conv2d(1, 4, 3), torch.nn.ReLU(), torch.nn.Flatten()).eval()\n"
        "batch = torch.randint(0, 256, (6, 16, 16), dtype=torch.uint8).numpy()\n"
        "got = OpenVino(network, 16).outputs(batch)[0]\n"
        "with torch.inference_mode():\n"
        "    expected = network(torch.from_numpy(batch)[:, None] / 255).numpy()\n"
        "assert agree(got, expected)\n"
        "assert sys.modules['openvino_telemetry'] is None and asked == [], asked\n"
        "assert not [each for each in threading.enumerate() if 'ThreadPool' in each.name]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=fresh(tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.integration
def test_caches_of_libraries_lie_in_the_user_folder(tmp_path: Path) -> None:
    """In a program of ours: the window and the commands begin alike. A folder that was chosen before stays."""
    names = [*CACHES, *SETTINGS, "HF_HUB_OFFLINE"]
    code = (
        "import os; from fineray_desktop.app import main; main(['weights']); "
        f"print(*map(os.environ.get, {names}), sep='\\n')"
    )
    environment = {**fresh(tmp_path), "TRITON_CACHE_DIR": "/elsewhere", "ORT_DISABLE_TELEMETRY": "0"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    said = dict(zip(names, done.stdout.splitlines()[-len(names) :], strict=True))
    ours = tmp_path / "home/.local/share/Fineray/caches"
    assert said == {
        **{variable: str(ours / name) for variable, name in CACHES.items()},
        "TRITON_CACHE_DIR": "/elsewhere",
        **dict.fromkeys((*SETTINGS, "HF_HUB_OFFLINE"), "1"),
    }


@pytest.mark.integration
def test_the_export_silences_onnxruntime_on_windows_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There the events of the system heed a call, not the variable."""
    import onnxruntime

    from fineray.export.onnx_model import export_onnx
    from fineray.progress import Monitor
    from fineray.project.runs import RunFolder

    class Silenced(Exception):
        pass

    def silenced() -> None:
        raise Silenced

    monkeypatch.setattr(onnxruntime, "disable_telemetry_events", silenced)
    with pytest.raises(Silenced):
        export_onnx(RunFolder(tmp_path), {}, tmp_path / "m.onnx", Monitor())


CHILDREN = """
import multiprocessing, os, socket, sys, time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from fineray.system.network_use import watch_network
from fineray.project.files.decoding_pool import DecodingPool
from fineray.project.files.options import ImportOptions
from fineray.project.pixel_store import PixelStore

def ask(name):
    try:
        socket.getaddrinfo(name, 443)
    except OSError:
        pass

def ask_below(name):
    below = multiprocessing.get_context("spawn").Process(target=ask, args=(name,))
    below.start()
    below.join()

if __name__ == "__main__":
    told = []
    watch_network(told.append)
    ask("window.invalid")
    if hasattr(os, "fork") and os.fork() == 0:
        ask("forked.invalid")
        os._exit(0)
    expected = {"window", "forked"} if hasattr(os, "fork") else {"window"}
    for method in multiprocessing.get_all_start_methods():
        child = multiprocessing.get_context(method).Process(target=ask, args=(f"{method}.invalid",))
        child.start()
        child.join()
        assert child.exitcode == 0
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context(method)) as pool:
            pool.submit(ask, f"pool-{method}.invalid").result()
        expected |= {method, f"pool-{method}"}
    child = multiprocessing.get_context("spawn").Process(target=ask_below, args=("grandchild.invalid",))
    child.start()
    child.join()
    with DecodingPool(PixelStore(Path(sys.argv[1])), 64, ImportOptions(), 1) as pool:
        pool._pool.submit(ask, "decoder.invalid").result()
    expected = {f"looked up {each}.invalid" for each in expected | {"grandchild", "decoder"}}
    until = time.monotonic() + 20
    while set(told) != expected and time.monotonic() < until:
        time.sleep(0.01)
    assert set(told) == expected and len(told) == len(expected), (told, expected)
"""


@pytest.mark.integration
def test_the_watch_sees_children_and_names_that_are_looked_up(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Forked, spawned, of a forkserver, of a pool, decoding, and a child's child: each once."""
    tmp_path = tmp_path_factory.mktemp("n")
    (tmp_path / "children.py").write_text(CHILDREN)
    environment = {**fresh(tmp_path), "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    command = [*alone(), sys.executable, str(tmp_path / "children.py"), str(tmp_path / "pixels")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.integration
def test_the_window_says_whom_it_spoke_to(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> None:
    """Nothing, until somebody asks an archive: then that archive's address, also where nobody answers there."""
    session = window.session
    watch_network(session.note_network)
    with qtbot.waitSignal(session.analyst.start(ExplainDevice()).finished, timeout=60_000):
        pass
    assert NetworkDialog(session, window).title.text() == NOTHING
    peer = Peer("Away", "dicom", "192.0.2.1", 104, "AWAY")  # TEST-NET-1, RFC 5737: nobody's address
    save_settings(PacsSettings(enabled=True, peers=(peer,)))
    job = session.analyst.start(EchoArchive("Away", ""))
    qtbot.waitUntil(lambda: bool(session.network), timeout=60_000)
    job.cancel()
    assert "connected to 192.0.2.1:104" in session.network[0]
    dialog = NetworkDialog(session, window)
    assert dialog.title.text().startswith("1 use of the network since") and "192.0.2.1" in dialog.text.toPlainText()


def test_own_addresses_do_not_count() -> None:
    assert _of_this_computer("127.0.0.1") and _of_this_computer("::1") and _of_this_computer("localhost")
    assert not _of_this_computer("") and not _of_this_computer("0.0.0.0") and not _of_this_computer("10.1.2.3")


@pytest.mark.parametrize(
    ("event", "words", "told"),
    [
        ("socket.connect", (None, ("10.0.0.5", 104)), "connected to 10.0.0.5:104"),
        ("socket.connect", (None, ("fe80::1%eth0", 104, 0, 2)), "connected to fe80::1%eth0:104"),
        ("socket.connect", (None, "/run/socket"), ""),
        ("socket.sendto", (None, ("archive", 53)), "sent to archive:53"),
        ("socket.sendmsg", (None, None), ""),
        ("socket.sendmsg", (None, ("10.0.0.5", 53)), "sent to 10.0.0.5:53"),
        ("socket.bind", (None, ("", 104)), "listened at every address of this computer:104"),
        ("socket.bind", (None, ("", 0)), ""),
        ("socket.getaddrinfo", ("archive", 104, 0, 0, 0), "looked up archive"),
        ("socket.getaddrinfo", (b"archive", 104, 0, 0, 0), "looked up archive"),
        ("socket.getaddrinfo", ("10.0.0.5", 104, 0, 0, 0), ""),
        ("socket.getaddrinfo", (None, 104, 0, 0, 0), ""),
        ("socket.getaddrinfo", ("localhost", 104, 0, 0, 0), ""),
        ("socket.gethostbyname", ("archive",), "looked up archive"),
        ("socket.gethostbyaddr", ("10.0.0.5",), "looked up 10.0.0.5"),
        ("socket.getnameinfo", (("10.0.0.5", 104),), "looked up 10.0.0.5"),
        ("socket.gethostname", (), ""),
    ],
)
def test_what_is_told_of_an_event(event: str, words: tuple[object, ...], told: str) -> None:
    assert _in_words(event, words) == told
