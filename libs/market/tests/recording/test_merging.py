"""Several recordings as one."""

from hypothesis import given
from hypothesis import strategies as st

from foretick.market.recording import BadLine, RecordedFrame, merge_recordings

T0 = 1_723_161_253_937_085_768


def test_merged_recordings_are_ordered_by_receive_time():
    one = [RecordedFrame(T0 + n, b"a") for n in (0, 3, 4, 9)]
    two = [RecordedFrame(T0 + n, b"b") for n in (1, 3, 8)]
    merged = list(merge_recordings([one, two]))
    assert [(frame.recv_ns - T0, frame.payload) for frame in merged] == [
        (0, b"a"), (1, b"b"), (3, b"a"), (3, b"b"), (4, b"a"), (8, b"b"), (9, b"a"),
    ]  # fmt: skip


def test_fault_in_one_of_several_recordings_stays_beside_its_frame():
    fault = BadLine("b", 2, "bad", b"")
    merged = list(merge_recordings([[RecordedFrame(T0 + 5, b"a")], [RecordedFrame(T0, b"b"), fault]]))
    assert merged == [RecordedFrame(T0, b"b"), fault, RecordedFrame(T0 + 5, b"a")]


def test_source_whose_clock_goes_back_keeps_its_own_order():
    one = [RecordedFrame(T0 + n, b"a%d" % n) for n in (5, 2, 6)]
    two = [RecordedFrame(T0 + n, b"b%d" % n) for n in (1, 3, 5, 7)]
    merged = [frame.payload for frame in merge_recordings([one, two])]
    assert merged == [b"b1", b"b3", b"a5", b"a2", b"b5", b"a6", b"b7"]


@given(st.lists(st.lists(st.integers(0, 20)), max_size=4))
def test_merge_equals_sorting_by_time_source_and_position(times):
    sources = [[RecordedFrame(T0 + n, b"%d %d" % (i, k)) for k, n in enumerate(sorted(s))] for i, s in enumerate(times)]
    labelled = [(frame.recv_ns, i, k, frame) for i, source in enumerate(sources) for k, frame in enumerate(source)]
    assert list(merge_recordings(sources)) == [frame for *_, frame in sorted(labelled, key=lambda item: item[:3])]
