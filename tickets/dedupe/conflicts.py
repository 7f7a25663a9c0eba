"""Conflicts: features that distinguish two things of one kind, whatever else their messages share."""

from tickets.dedupe.sketch import GRAMS, KIND, Sketch
from tickets.policy import NearPolicy


def are_others(one: Sketch, other: Sketch, policy: NearPolicy) -> bool:
    """Return True if the two refer to different things: by place, marks, event, or one stretch of a text."""
    return (
        other_places(one, other)
        or other_marks(one.marks, other.marks)
        or tell_otherwise(one, other)
        or name_other_things(one, other)
        or are_parallel(one, other, policy)
        or name_another(one, other, policy)
    )


def are_parallel(one: Sketch, other: Sketch, policy: NearPolicy) -> bool:
    """Return True if two short texts differ in one stretch only, and share no place or number.

    That stretch distinguishes them, whatever it is: 种了大豆 and 种了果树. The two are about as long; a person's
    repeat in other words changes it here and there. Of longer texts not all 3-grams are kept.
    """
    ours, theirs = one.grams, other.grams
    has_one_thing = not (one.places.isdisjoint(other.places) and one.papers.isdisjoint(other.papers))
    if has_one_thing or not ours or not theirs or max(len(ours), len(theirs)) >= GRAMS:
        return False
    share, fewer, more = _in_common(ours, theirs)
    if fewer == more:
        return fewer > 0 and share >= policy.parallel_share_of_equals
    are_about_as_long = more - fewer <= policy.parallel_lengths
    return fewer > policy.parallel_inserted and are_about_as_long and share >= policy.parallel_share


def name_another(one: Sketch, other: Sketch, policy: NearPolicy) -> bool:
    """Return True if two short texts without a title differ in one stretch, about as long, where each names another.

    村医 and 电工 who charge too much, at one place: no list has to know them. A mere continuation (停水两天了 and
    停水三天了) names nothing else, and two senders who give their names name themselves.
    """
    ours, theirs = one.grams, other.grams
    if not (one.untitled and other.untitled and ours and theirs) or max(len(ours), len(theirs)) >= GRAMS:
        return False
    share, fewer, more = _in_common(ours, theirs)
    longest = min(fewer + policy.parallel_lengths, policy.parallel_stretch)
    is_one_stretch = policy.parallel_inserted < fewer and more <= longest
    if not is_one_stretch or share < policy.parallel_share_of_words or (one.states_name and other.states_name):
        return False
    have_both_words = bool(one.words - other.words and other.words - one.words)
    return (have_both_words or one.all_objects != other.all_objects) and one.papers.isdisjoint(other.papers)


def _in_common(ours: tuple[int, ...], theirs: tuple[int, ...]) -> tuple[float, int, int]:
    """Return the share of the shorter text's 3-grams in the other, and how many each has alone, fewer first."""
    shared = len(frozenset(ours).intersection(theirs))
    fewer, more = sorted((len(ours) - shared, len(theirs) - shared))
    return shared / min(len(ours), len(theirs)), fewer, more


def tell_otherwise(one: Sketch, other: Sketch) -> bool:
    """Return True if both name an event and share none: a lift that is stuck, and one that is loud.

    Not if both quote the same order or meter, or one names no event, as no list has all words.
    """
    ours, theirs = one.aspects, other.aspects
    return bool(ours and theirs) and ours.isdisjoint(theirs) and one.papers.isdisjoint(other.papers)


def name_other_things(one: Sketch, other: Sketch) -> bool:
    """Return True if the heads of two short texts without a title each name a thing that the other does not.

    A barbecue that is loud and a building site that is loud share the noise and the estate, and are two matters.
    """
    if not (one.untitled and other.untitled) or max(len(one.grams), len(other.grams)) >= GRAMS:
        return False
    ours, theirs = one.objects - other.objects - other.text_objects, other.objects - one.objects - one.text_objects
    return bool(ours and theirs) and one.papers.isdisjoint(other.papers)


def go_on_otherwise(one: Sketch, other: Sketch, copied: float, policy: NearPolicy) -> bool:
    """Return True if two letters begin alike, are no copies, and share nothing after that.

    A person who writes two letters, or fills in a form, begins with name and address: 我是锦绣华庭的业主, and then
    describes the water or the lift. One incident in other words begins otherwise.
    """
    if one.opening is None or one.opening != other.opening or copied >= policy.copy_share:
        return False
    return one.told.isdisjoint(other.told) and one.papers.isdisjoint(other.papers)


def stand_elsewhere(one: Sketch, other: Sketch) -> bool:
    """Return True if two short texts without a common place each have a name that the other lacks.

    It is used if much is copied: 福满楼的菜里有蟑螂 and 老刘家常菜馆的菜里有蟑螂. Ordinary words are no names.
    """
    ours, theirs = one.whereabouts, other.whereabouts
    if not (one.untitled and other.untitled and ours and theirs) or max(len(one.grams), len(other.grams)) >= GRAMS:
        return False
    return one.places.isdisjoint(other.places) and stand_apart(one, other)


def stand_apart(one: Sketch, other: Sketch) -> bool:
    """Return True if each names its place or owner by a name that the other lacks."""
    ours, theirs = one.whereabouts or frozenset(), other.whereabouts or frozenset()
    return bool(ours - theirs - other.names - other.text_names and theirs - ours - one.names - one.text_names)


def may_be_elsewhere(one: Sketch, other: Sketch) -> bool:
    """Return True if the two share no place or owner; both must have been searched for one."""
    if one.whereabouts is None or other.whereabouts is None:
        return False
    ours, theirs = one.whereabouts | one.places, other.whereabouts | other.places
    return ours.isdisjoint(theirs | other.names | other.text_names) and theirs.isdisjoint(one.names | one.text_names)


def is_filled_in(one: Sketch, other: Sketch, policy: NearPolicy) -> bool:
    """Return True if, of two copies of one text, each has a name that the other lacks: a form that was filled in.

    Titles are free, so it is used for texts without one. A person who passes a text on, with another greeting or an
    addition, leaves its names unchanged or adds 3-grams on one side; a retelling changes more on both sides.
    """
    ours, theirs = one.names | one.text_names, other.names | other.text_names
    if not (one.untitled and other.untitled) or ours <= theirs or theirs <= ours:
        return False
    end = min(one.grams[-1], other.grams[-1])
    left, right = ({gram for gram in grams if gram <= end} for grams in (one.grams, other.grams))
    fewer, more = sorted((len(left - right), len(right - left)))
    return fewer > 0 and more <= policy.filled_in_share * min(len(left), len(right))


def other_places(one: Sketch, other: Sketch) -> bool:
    """Return True if each names a place in its head that the other does not."""
    ours, theirs = one.places - other.names - other.text_names, other.places - one.names - one.text_names
    return bool(ours and theirs)


def other_marks(ours: frozenset[int], theirs: frozenset[int]) -> bool:
    """Return True if both have marks of one kind and share none of them."""
    if not ours or not theirs:
        return False
    same = {mark >> KIND for mark in ours & theirs}
    kinds = {mark >> KIND for mark in ours} & {mark >> KIND for mark in theirs}
    return not kinds <= same


def other_area(ours: frozenset[int], theirs: frozenset[int]) -> float:
    """Return 1 if each names a city, or a district, that the other does not, else 0."""
    if not ours or not theirs or ours == theirs:
        return 0.0
    left, right = ({area % 2 for area in areas} for areas in (ours - theirs, theirs - ours))
    return float(not left.isdisjoint(right))
