"""The chain of feature vectors."""

from foretick.launcher.audit.domain.chain import VectorChain
from foretick.launcher.audit.domain.spans import Span


def chain(*vectors: tuple[int, int, int | None]) -> VectorChain:
    """The chain of ``vectors``, each of another content."""
    taken = VectorChain()
    for digest, (epoch, asof_seq, prev_asof_seq) in enumerate(vectors):
        taken.take(epoch, asof_seq, prev_asof_seq, digest)
    return taken


def test_vectors_that_name_the_one_before_make_a_chain():
    whole = chain((1, 10, None), (1, 20, 10), (1, 35, 20))
    assert (whole.breaks, whole.repeated, whole.extent) == ([], [], Span(10, 35))


def test_trimmed_stream_begins_in_the_middle_of_a_chain():
    assert chain((1, 20, 10), (1, 30, 20)).breaks == []


def test_vector_that_never_came_breaks_the_chain_up_to_the_one_that_names_it():
    assert chain((1, 10, None), (1, 30, 20)).breaks == [Span(11, 30)]


def test_vector_that_names_none_within_an_epoch_breaks_the_chain():
    assert chain((1, 10, None), (1, 30, None)).breaks == [Span(11, 30)]


def test_new_writer_begins_a_chain_of_its_own_or_goes_on():
    assert chain((1, 10, None), (2, 30, None), (2, 40, 30)).breaks == []
    assert chain((1, 10, None), (2, 30, 10), (2, 40, 30)).breaks == []
    assert chain((1, 10, None), (2, 30, 20)).breaks == [Span(11, 30)]


def test_another_vector_as_of_the_same_event_by_one_writer_is_a_repeat():
    assert chain((1, 10, None), (1, 20, 10), (1, 20, 10), (1, 30, 20)).repeated == [Span(20, 20)]


def test_vector_that_comes_again_as_it_was_is_a_copy_and_no_fault():
    again = chain((1, 10, None), (1, 20, 10), (1, 30, 20))
    again.take(1, 20, 10, digest=1)
    again.take(1, 40, 30, digest=9)
    assert (again.copies, again.repeated, again.breaks) == (1, [], [])


def test_successor_may_publish_a_vector_again_and_what_the_replaced_one_sends_is_refused():
    again = chain((1, 10, None), (1, 20, 10), (2, 20, None), (1, 30, 20), (2, 30, 20))
    assert (again.breaks, again.repeated, again.asof_seqs) == ([], [], [10, 20, 30])


def test_prediction_without_vector_is_found_within_the_extent_only():
    assert chain((1, 10, None), (1, 20, 10), (1, 30, 20)).absent([5, 10, 15, 20, 30, 31]) == [Span(15, 20)]
