"""One incident revision, told: for those who mend, for those who are affected, and what is new since the last time.

Logic-less: only declared fields (`fields`), in the shipped texts or in an operator's templates (`template`), escaped
for the markup of the receiver (`markup`).
"""

from engine.publish.texts.engineers import technical
from engine.publish.texts.line import LINE, TITLE, Text, plain
from engine.publish.texts.news import comment
from engine.publish.texts.stakeholders import business

__all__ = ["LINE", "TITLE", "Text", "business", "comment", "plain", "technical"]
