"""The account of one unit's bytes: what was explained, by which group, and what was not."""

from __future__ import annotations

from owaudit.codec.reader import INERT, PARSED, PAYLOAD, Halt, Place, Span
from owaudit.codec.spans import Ranges
from owaudit.model.coverage import Coverage, Gap, State

KEPT_GAPS = 8


class Ledger:
    """Collects spans and halts of one unit of ``size`` bytes and gives its coverage."""

    def __init__(self, place: Place, size: int) -> None:
        self.place = place
        self.size = size
        self.halts: list[Halt] = []
        self._groups = {PARSED: Ranges(), PAYLOAD: Ranges(), INERT: Ranges()}
        self._member_gaps: list[Gap] = []
        self._fallback: Halt | None = None

    def add(self, span: Span) -> None:
        """These bytes are explained."""
        self._groups[span.group].add(span.start, min(span.end, self.size))

    def halt(self, halt: Halt) -> None:
        """Reading stopped early."""
        self.halts.append(halt)

    def expect(self, halt: Halt) -> None:
        """The reason to give when bytes are left unexplained and no reader said why."""
        self._fallback = halt

    def gaps(self, besides: Ranges) -> list[tuple[int, int]]:
        """The ranges that nothing explains and that are not among ``besides``."""
        known = self._all()
        known.update(besides)
        return list(known.gaps(self.size))

    def _all(self) -> Ranges:
        union = Ranges()
        for ranges in self._groups.values():
            union.update(ranges)
        return union

    def take_member(self, start: int, end: int, coverage: Coverage) -> None:
        """A member occupies these bytes: they are explained as far as the member is.

        A stored member lends its groups byte for byte; of a packed one the packed bytes count as
        parsed unless it was not read at all.
        """
        if coverage.state is State.UNREAD:
            self._member_gaps.append(Gap(start=start, end=end, reason="member-unread"))
            return
        if coverage.size == end - start and coverage.payload > coverage.parsed:
            self._groups[PAYLOAD].add(start, end)
        elif coverage.size == end - start and coverage.inert > coverage.parsed:
            self._groups[INERT].add(start, end)
        else:
            self._groups[PARSED].add(start, end)
        if coverage.state is State.PARTIAL:
            self._member_gaps.append(Gap(start=start, end=start, reason="member-partial"))

    def coverage(self) -> Coverage:
        """The account as it stands: the four groups add up to the size."""
        parsed = self._groups[PARSED].covered(self.size)
        union = Ranges(self._groups[PARSED])
        union.update(self._groups[PAYLOAD])
        payload = union.covered(self.size) - parsed
        everything = self._all()
        inert = everything.covered(self.size) - parsed - payload
        unexplained = self.size - parsed - payload - inert
        state, reason, detail = self._state(unexplained, parsed + payload + inert)
        gaps = list(self._member_gaps)
        known = {(gap.start, gap.end) for gap in gaps}
        for start, end in everything.gaps(self.size):
            if len(gaps) >= KEPT_GAPS:
                break
            if (start, end) not in known:
                gaps.append(Gap(start=start, end=end, reason=reason or "bytes-unclaimed"))
        return Coverage(
            artifact=self.place.artifact,
            members=self.place.members,
            state=state,
            reason=reason,
            detail=detail,
            size=self.size,
            parsed=parsed,
            payload=payload,
            inert=inert,
            unexplained=unexplained,
            gaps=tuple(sorted(gaps, key=lambda gap: (gap.start, gap.end)))[:KEPT_GAPS]
            if state is not State.READ
            else (),
        )

    def _state(self, unexplained: int, explained: int) -> tuple[State, str, str]:
        if self.halts:
            halt = self.halts[0]
            return (State.PARTIAL if explained else State.UNREAD), halt.reason, halt.detail
        if unexplained and self._fallback is not None and not explained:
            return State.UNREAD, self._fallback.reason, self._fallback.detail
        real_gaps = [gap for gap in self._member_gaps if gap.reason == "member-unread"]
        if self._member_gaps:
            which = "was not read" if real_gaps else "was read in part"
            return State.PARTIAL, "member-unread", f"{len(self._member_gaps)} of its members {which}"
        if unexplained:
            return State.PARTIAL, "bytes-unclaimed", f"{unexplained} bytes belong to nothing the format knows"
        return State.READ, "", ""
