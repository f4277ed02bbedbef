import re

from tiphys import page


def whole():
    return page.page(
        "A run <of> ours",
        page.figures([page.Figure(label="AUC", value=0.71234, note="month 4", tone="good")]),
        page.section(
            "Curve",
            page.line_chart(
                [
                    page.Series(name="loss", points=[(1, 0.52), (2, 0.49), (3, 0.48)]),
                    page.Series(name="auc", points=[(1, 0.66), (2, float("nan")), (3, 0.70)]),
                ],
                x="epoch",
                y="value",
            ),
            page.table(["name", "rows"], [["a & b", 1200], ["c", None]]),
            page.bars([page.Bar(label="UA", value=3.0), page.Bar(label="OO", value=1.0)]),
        ),
        badge=page.badge("Succeeded", "good"),
    )


def test_a_page_holds_no_script_and_no_address():
    assert not re.search(r"<script|https?://|src=|href=|@import|url\(", whole())


def test_text_is_escaped_and_markup_is_not():
    written = whole()
    assert "A run &lt;of&gt; ours" in written
    assert "a &amp; b" in written
    assert '<span class="badge good">Succeeded</span>' in written


def test_the_same_input_gives_the_same_bytes():
    assert whole() == whole()


def test_a_point_that_is_not_a_number_is_left_out():
    assert "nan" not in whole()


def test_a_chart_without_points_says_so():
    assert "no points" in page.line_chart([page.Series(name="loss", points=[])], x="step", y="loss")


def test_one_single_point_can_be_drawn():
    drawn = page.line_chart([page.Series(name="loss", points=[(5, 0.5)])], x="step", y="loss")
    assert "<circle" in drawn


def test_ticks_cover_what_they_are_asked_to_cover():
    for low, high in [(0, 1), (0.31, 0.319), (5, 5), (0, 0), (-3, 4), (1e6, 3e6)]:
        marks = page.ticks(low, high)
        assert marks[0] <= low <= high <= marks[-1]
        assert len(marks) <= 8


def test_numbers_in_a_table_stand_right():
    assert '<td class="number">1,200</td>' in whole()
    assert "<td>&ndash;</td>" in whole()
