"""The course about itself, as notebook 00 shows it: map, index, progress, and what the kernel has."""

from .environment import describe_environment
from .index import course_index
from .lessons import LESSONS
from .map import NOTEBOOKS, course_map

__all__ = ["LESSONS", "NOTEBOOKS", "course_index", "course_map", "describe_environment"]
