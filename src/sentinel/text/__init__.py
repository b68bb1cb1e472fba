"""Text: intents, products, near-duplicates and topics of complaints.

``declare`` reads text.yaml; ``fold`` makes words of texts, ``hashes`` numbers of words; one
idea a file: ``lexicon`` (intents, by ``automaton``), ``product``, ``near_duplicates``, ``topics``;
``reader`` joins them into columns.  No text of a customer leaves this room: columns are numbers
and words of the configuration.
"""

from sentinel.text.declare import Declaration, declare
from sentinel.text.reader import TextReader

__all__ = ["Declaration", "TextReader", "declare"]
