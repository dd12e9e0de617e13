"""What the benchmarks compute themselves, and that their programs can be built: `just check` runs this."""

import os
import shutil
import struct
import sys
import tempfile
import unittest
import xml.dom.minidom

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import build
import figures
import image
import mounts
import pace
import plot
import size
import table
from figures import Figure, Peer, Row

MOUNTINFO = """\
109 63 0:40 / / rw,nodev,relatime - overlay overlay rw,lowerdir+=/a
110 109 0:42 / /proc rw,nosuid - proc proc rw
111 109 0:43 / /dev rw,nosuid - tmpfs tmpfs rw,mode=755
112 111 0:6 /null /dev/null rw,nosuid - devtmpfs devtmpfs rw
118 111 0:44 / /dev/pts rw,nosuid - devpts devpts rw
122 111 0:39 / /dev/mqueue rw,nosuid - mqueue mqueue rw
124 111 0:45 / /dev/shm rw,nosuid - tmpfs shm rw
125 109 0:22 / /sys ro,nosuid - sysfs sysfs rw
126 125 0:28 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs rw
130 126 0:32 /../.. /sys/fs/cgroup/memory ro,nosuid - cgroup cgroup rw
137 109 254:0 /store/data /data rw,relatime - ext4 /dev/vda rw
138 109 0:46 / /a\\040b rw,nosuid - tmpfs tmpfs rw
143 110 0:6 /null /proc/keys ro,nosuid - devtmpfs devtmpfs rw
146 125 0:47 / /sys/firmware ro,relatime - tmpfs tmpfs rw
150 110 0:42 /sys /proc/sys ro,nosuid - proc proc rw
"""


def row(ours=2.0, theirs=4.0, bound=0.6):
    return Row("start", "a | b", "ms", Figure.exact(ours), peers=[Peer("bwrap", Figure.exact(theirs), "", bound)])


class FiguresTest(unittest.TestCase):
    def test_median_of_even_and_odd(self):
        self.assertEqual(figures.median([3, 1, 2]), 2)
        self.assertEqual(figures.median([4, 1, 2, 3]), 2.5)

    def test_spread_is_of_measured_values(self):
        found = Figure.of([5.0, 1.0, 2.0, 3.0, 4.0, 6.0, 7.0, 8.0, 9.0, 100.0, 10.0])
        self.assertEqual((found.least, found.middle, found.most, found.count), (1.0, 6.0, 10.0, 11))

    def test_slope_of_a_line_and_around_it(self):
        self.assertAlmostEqual(figures.slope([(1, 5.0), (10, 23.0), (100, 203.0)]), 2.0)
        self.assertAlmostEqual(figures.slope([(0, 1.0), (0, 3.0), (1, 4.0), (1, 6.0)]), 3.0)
        with self.assertRaises(ValueError):
            figures.slope([(1, 1.0), (1, 2.0)])

    def test_a_goal_is_a_ratio_of_medians(self):
        self.assertEqual(row(2.0, 4.0).verdicts(), [True])
        self.assertEqual(row(3.0, 4.0).verdicts(), [False])

    def test_what_was_not_measured_is_neither_met_nor_missed(self):
        unknown = Row("start", "a", "ms", Figure.exact(1), peers=[Peer("crun", None, "not installed", 0.5)])
        self.assertEqual(unknown.verdicts(), [None])
        self.assertEqual(Row("start", "a", "ms", None, "broken", limit=1.0).verdicts(), [None])

    def test_a_limit_counts_the_least_and_a_reason_misses_it(self):
        self.assertEqual(Row("size", "a", "ms", Figure(0.9, 0.4, 2, 9), limit=0.4).verdicts(), [True])
        self.assertEqual(Row("size", "a", "MB", Figure.exact(3), "not static", limit=4.0).verdicts(), [False])

    def test_documents_are_read_back(self):
        for one in (row(), Row("size", "b", "MB", None, "broken", limit=1.0, note="n", load=2.5)):
            self.assertEqual(figures.from_document(figures.to_document(one)), one)

    def test_a_part_replaces_its_rows_in_their_places(self):
        old = [Row("start", "a", "ms"), Row("start", "b", "ms"), Row("disk", "c", "ms")]
        new = [Row("start", "b", "ms", note="new"), Row("start", "d", "ms"), Row("size", "e", "MB")]
        joined = figures.join(old, new)
        self.assertEqual([one.name for one in joined], ["a", "b", "d", "c", "e"])
        self.assertEqual(joined[1].note, "new")


class TableTest(unittest.TestCase):
    def test_amounts_have_three_digits(self):
        shown = [table.amount(value) for value in (0, 0.00012, 0.0123, 1.234, 12.34, 1234.5)]
        self.assertEqual(shown, ["0", "0.00012", "0.012", "1.23", "12.3", "1,234"])

    def test_goals_are_told_as_they_are_thought_of(self):
        self.assertEqual(table.goal(0.6), "≤ 0.600 ×")
        self.assertEqual(table.goal(1 / 6), "≥ 6.00 × faster")

    def test_a_line_for_each_peer(self):
        two = row()
        two.peers.append(Peer("crun", None, "not installed", 0.5))
        shown = table.lines(two)
        self.assertEqual(shown[0], ["a | b", "2.00 ms", "bwrap", "4.00 ms", "0.500", "0.500", "≤ 0.600 ×", "yes"])
        self.assertEqual(shown[1][2:], ["crun", "– not installed", "", "", "≥ 2.00 × faster", "not measured"])

    def test_markdown_has_as_many_cells_in_each_line(self):
        bars = [line.replace("\\|", "").count("|") for line in table.markdown([row()]).splitlines()]
        self.assertEqual(set(bars), {10})

    def test_prose_around_the_markers_stays(self):
        document = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
        once = table.splice(document, "new")
        self.assertEqual(once, f"before\n{table.BEGIN}\n\nnew\n\n{table.END}\nafter\n")
        self.assertEqual(table.splice(once, "new"), once)
        with self.assertRaises(ValueError):
            table.splice(f"{table.END}{table.BEGIN}", "new")

    def test_the_summary_counts_goals(self):
        rows = [row(), row(3.0), Row("size", "a", "MB", None, "broken", limit=1.0)]
        self.assertEqual(table.summary(rows), "1 of 3 goals met, 1 not measured")


class PlotTest(unittest.TestCase):
    def test_it_is_xml_whatever_the_names(self):
        odd = row()
        odd.name = "<a> & b"
        xml.dom.minidom.parseString(plot.svg([odd, Row("size", "b", "MB", Figure.exact(1), limit=4.0)]))

    def test_the_scale_is_logarithmic_and_has_edges(self):
        self.assertAlmostEqual(plot.place(0.1) - plot.place(0.01), plot.place(10) - plot.place(1))
        self.assertEqual(plot.place(1e9), plot.place(plot.MOST))


class MountsTest(unittest.TestCase):
    def setUp(self):
        self.mounts = mounts.parse(MOUNTINFO)

    def test_names_are_unescaped(self):
        self.assertIn("/a b", [mount.at for mount in self.mounts])

    def test_what_comes_with_a_bind_of_sys_is_not_made_again(self):
        left = [mount.at for mount in mounts.own(self.mounts)]
        self.assertIn("/sys/firmware", left)
        self.assertFalse([at for at in left if at.startswith("/sys/fs") or at == "/"])

    def test_flags_of_bwrap(self):
        self.assertEqual(mounts.for_bwrap(self.mounts, {"/data": "/there"}), [
            "--proc", "/proc", "--dev", "/dev", "--mqueue", "/dev/mqueue", "--tmpfs", "/dev/shm",
            "--ro-bind", "/sys", "/sys", "--bind", "/there", "/data", "--tmpfs", "/a b",
            "--ro-bind", "/dev/null", "/proc/keys", "--tmpfs", "/sys/firmware", "--remount-ro", "/sys/firmware",
            "--ro-bind", "/proc/sys", "/proc/sys",
        ])

    def test_words_of_the_floor(self):
        words = mounts.for_floor(self.mounts, {"/data": "/there"})
        self.assertEqual(words[:4], ["proc", "proc", "tmpfs", "dev"])
        self.assertEqual(words[words.index("/there") - 1:], [
            "bind", "/there", "data", "tmpfs", "a b", "fixed", "/dev/null", "proc/keys", "empty", "sys/firmware",
            "fixed", "/proc/sys", "proc/sys",
        ])

    def test_an_unknown_mount_is_not_left_out(self):
        with self.assertRaises(ValueError):
            mounts.for_bwrap(self.mounts, {})
        with self.assertRaises(ValueError):
            mounts.for_floor(self.mounts, {})

    def test_differences_are_named(self):
        self.assertEqual(mounts.difference(self.mounts, self.mounts), [])
        self.assertEqual(mounts.difference(self.mounts, self.mounts[1:]), ["only ours: / overlay rw"])


class ImageTest(unittest.TestCase):
    def test_generated_layers_are_the_same_each_time_and_of_their_size(self):
        shape = image.Shape(40, 400_000, 2)
        made = [[list(layer()) for layer in image.generated_layers(shape)] for _ in range(2)]
        self.assertEqual(made[0], made[1])
        size_of = sum(len(entry.content or b"") for layer in made[0] for entry in layer)
        self.assertAlmostEqual(size_of / shape.size, 1, places=2)

    def test_a_layout_names_its_layers_in_order(self):
        with tempfile.TemporaryDirectory() as place:
            image.write_layout(f"{place}/layout", "a:1", [image.small_layer(1), image.small_layer(2)])
            files = image.layer_files(f"{place}/layout")
            self.assertEqual(len(files), 2)
            shutil.unpack_archive(files[1], f"{place}/out", "gztar")
            self.assertEqual(os.listdir(f"{place}/out"), ["layer-2"])


class PaceTest(unittest.TestCase):
    def test_turns_are_taken_and_failures_are_told(self):
        good = pace.Contender("good", ["true"])
        missing = pace.Contender("missing", ["/does/not/exist/at-all"])
        bad = pace.Contender("bad", ["sh", "-c", 'echo "error: because" >&2; exit 3'])
        found = pace.compete([good, missing, bad], pace.Effort(4, 1.0))
        self.assertEqual(found["good"].count, 4)
        self.assertEqual(found["bad"], "error: because")
        self.assertIsInstance(found["missing"], str)

    def test_of_what_takes_long_one_run_is_enough(self):
        found = pace.compete([pace.Contender("long", ["true"], least=1)], pace.Effort(4, 1.0))
        self.assertEqual(found["long"].count, 1)

    def test_runs_at_once_have_numbers(self):
        with tempfile.TemporaryDirectory() as place:
            pace.at_once(pace.Contender("touch", [pace.found("touch"), f"{place}/{{}}"]), 3)
            self.assertEqual(sorted(os.listdir(place)), ["0", "1", "2"])


class ProgramsTest(unittest.TestCase):
    def test_an_interpreter_makes_a_program_dynamic(self):
        header = bytearray(64 + 56)
        struct.pack_into("<Q", header, 32, 64)
        struct.pack_into("<HH", header, 54, 56, 1)
        self.assertTrue(size.is_static(bytes(header)))
        struct.pack_into("<I", header, 64, size.INTERPRETER)
        self.assertFalse(size.is_static(bytes(header)))

    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_they_are_built_and_run(self):
        with tempfile.TemporaryDirectory() as place:
            build.programs(place)
            pace.run([f"{place}/true"])
            self.assertGreater(int(pace.run([f"{place}/files", "small", place, "3"])), 0)
            self.assertLess(pace.peak_memory(f"{place}/files", [f"{place}/true"], {}), 1 << 20)
            self.assertLess(pace.peak_memory(f"{place}/files", [f"{place}/true"], {}), 1 << 20)
            self.assertEqual(sorted(os.listdir(place)), sorted(build.PROGRAMS))
            with self.assertRaisesRegex(pace.Failure, "error 2"):
                pace.run([f"{place}/floor", "lower", "/does/not/exist", "upper", f"{place}/none/none", "run", "/true"])


if __name__ == "__main__":
    unittest.main()
