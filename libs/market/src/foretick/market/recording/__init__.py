"""Recordings: the formats that market data is kept in, and one stream out of all of them. No file is opened here."""

from foretick.market.recording.faults import BadLine, DamagedBlock, TruncatedRecording, WrongFormat
from foretick.market.recording.merging import merge_recordings
from foretick.market.recording.records import Gap, GapReason, Record, RecordKind
from foretick.market.recording.stamped_lines import Recorded, RecordedFrame, read_recording

__all__ = [
    "BadLine",
    "DamagedBlock",
    "Gap",
    "GapReason",
    "Record",
    "RecordKind",
    "Recorded",
    "RecordedFrame",
    "TruncatedRecording",
    "WrongFormat",
    "merge_recordings",
    "read_recording",
]
