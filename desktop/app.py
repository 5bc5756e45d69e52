"""Entry point."""
import sys
from core.cli import main as command_line
def main() -> int:
    return command_line(sys.argv[1:])
