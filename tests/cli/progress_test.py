#!/usr/bin/env python3
"""Progress on a terminal, and silence elsewhere; Ctrl-C typed there. progress_test.py MQ

The terminal is a pseudo-terminal of its own, 100 columns wide. What mq writes to it while it works is kept, and asked
for the line that it should have shown; the clock decides how often it was shown, so nothing counts that.
"""
import fcntl
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import time
import tty

MQ = sys.argv[1]
PATIENCE = 60  # seconds until a test is given up
LINE = re.compile(
    rb"\r(send|receive|load|move) /\w+  \[=*[ =]*\]  [ \d]{3} %  \d+ messages  [\d.]+( [kM])?/s  \d+:\d\d(:\d\d)? left\x1b\[K")
UNKNOWN = re.compile(rb"\rreceive /\w+  \d+ messages  [\d.]+( [kM])?/s\x1b\[K")
WAITS = re.compile(rb"\r([^\r]* passed, waits for [a-z ]+)\x1b\[K")
GONE = b"\r\x1b[K"


class Terminal:
    """A pseudo-terminal; `inside` is the end that programs get."""

    def __init__(self, columns=100):
        self.outside, self.inside = pty.openpty()
        tty.setraw(self.inside)
        attributes = termios.tcgetattr(self.inside)
        attributes[3] |= termios.ISIG  # Ctrl-C is a signal
        termios.tcsetattr(self.inside, termios.TCSANOW, attributes)
        termios.tcsetwinsize(self.inside, (25, columns))
        self.screen = b""

    def read(self, until):
        """Reads until `until()` holds or patience ends."""
        end = time.monotonic() + PATIENCE
        while not until():
            assert time.monotonic() < end, f"nothing like it came: {self.screen[-500:]!r}"
            if select.select([self.outside], [], [], 0.05)[0]:
                self.screen += os.read(self.outside, 65536)

    def close(self):
        os.close(self.inside)
        os.close(self.outside)


def mq(*arguments, **options):
    return subprocess.run([MQ, *arguments], check=True, timeout=PATIENCE, **options)


def statistics(queue):
    """What mq knows of the queue."""
    info = subprocess.run([MQ, "info", queue, "--json"], capture_output=True, text=True, check=True)
    return json.loads(info.stdout)["statistics"]


def slow_lines(stop):
    """A pipe that gives a line every few milliseconds, as long as somebody reads."""
    return subprocess.Popen(["sh", "-c", f"while [ ! -e {stop} ]; do echo a line; sleep 0.01; done"],
                            stdout=subprocess.PIPE)


def test_progress_of_a_known_total(directory):
    """A receiver that is to get 200 messages shows how many it has, and takes the line away at the end."""
    mq("create", "/known")
    terminal = Terminal()
    with open(os.path.join(directory, "out"), "wb") as out:
        receiver = subprocess.Popen([MQ, "receive", "/known", "--count", "200", "--lines"], stdout=out, stderr=terminal.inside)
        for _ in range(199):
            mq("send", "/known", "x")
            time.sleep(0.005)  # all of it takes a second, since progress is not shown at once
            if LINE.search(terminal.screen):
                break
            if select.select([terminal.outside], [], [], 0)[0]:
                terminal.screen += os.read(terminal.outside, 65536)
        assert LINE.search(terminal.screen), terminal.screen
        mq("send", "/known", *["x"] * (200 - statistics("/known")["messages_sent"]))
        terminal.read(lambda: receiver.poll() is not None)
        assert receiver.returncode == 0
    terminal.read(lambda: terminal.screen.endswith(GONE))
    terminal.close()


def test_progress_of_an_unknown_total(directory):
    """Without a total there is neither share nor bar, and --quiet shows nothing at all."""
    stop = os.path.join(directory, "stop")
    mq("create", "/unknown")
    terminal, quiet = Terminal(), Terminal()
    lines = slow_lines(stop)
    sender = subprocess.Popen([MQ, "send", "/unknown", "--lines"], stdin=lines.stdout)
    lines.stdout.close()
    loud_one = subprocess.Popen([MQ, "receive", "/unknown", "--all", "--timeout", "3s"], stdout=subprocess.DEVNULL,
                                stderr=terminal.inside)
    quiet_one = subprocess.Popen([MQ, "receive", "/unknown", "--all", "--timeout", "3s", "--quiet"],
                                 stdout=subprocess.DEVNULL, stderr=quiet.inside)
    terminal.read(lambda: UNKNOWN.search(terminal.screen))
    open(stop, "w").close()
    assert sender.wait(PATIENCE) == 0
    terminal.read(lambda: loud_one.poll() is not None)
    assert quiet_one.wait(PATIENCE) == 0
    assert not select.select([quiet.outside], [], [], 0)[0], os.read(quiet.outside, 1000)
    lines.wait()
    terminal.close()
    quiet.close()


def waiting_line(arguments, **options):
    """Starts mq, waits until its line says that it waits, twice, and answers the terminal, what it runs, and the last of
    those lines."""
    terminal = Terminal()
    running = subprocess.Popen([MQ, *arguments], stdout=subprocess.DEVNULL, stderr=terminal.inside, **options)
    terminal.read(lambda: len(set(WAITS.findall(terminal.screen))) > 1)  # the rate falls, or time passes: it goes on
    return terminal, running, WAITS.findall(terminal.screen)[-1]


def test_waiting_in_a_full_queue(directory):
    """The line goes on while mq waits for room, and says so; what it had sent is counted."""
    path = os.path.join(directory, "lines")
    with open(path, "w") as file:
        file.write("line\n" * 20)
    mq("create", "/full", "--capacity", "10")
    with open(path, "rb") as lines:
        terminal, sender, line = waiting_line(["send", "/full", "--lines"], stdin=lines)
    assert re.match(rb"send /full .* 10 messages  \S+( k)?/s  \d+:\d\d passed, waits for room", line), line
    mq("receive", "/full", "--count", "20", stdout=subprocess.DEVNULL)
    terminal.read(lambda: sender.poll() is not None)
    assert sender.returncode == 0
    terminal.close()


def test_waiting_in_an_empty_queue(directory):
    """The same for messages."""
    mq("create", "/empty")
    mq("send", "/empty", "one")
    terminal, receiver, line = waiting_line(["receive", "/empty", "--count", "2"])
    assert re.match(rb"receive /empty .* 1 messages  \S+/s  \d+:\d\d passed, waits for a message", line), line
    mq("send", "/empty", "two")
    terminal.read(lambda: receiver.poll() is not None)
    assert receiver.returncode == 0
    terminal.close()


def test_timeout_with_a_line(directory):
    """A wait in parts is as long as the whole, and ends as that does."""
    mq("create", "/late")
    terminal = Terminal()
    began = time.monotonic()
    receiver = subprocess.run([MQ, "receive", "/late", "--timeout", "550ms"], stdout=subprocess.DEVNULL,
                              stderr=terminal.inside, timeout=PATIENCE)
    assert receiver.returncode == 2 and time.monotonic() - began >= 0.55, receiver
    terminal.read(lambda: b"stayed empty for 550ms" in terminal.screen)
    terminal.close()


def test_waiting_while_moving(directory):
    """A move says for which of its two queues it waits."""
    mq("create", "/from", "--capacity", "4")
    mq("create", "/to", "--capacity", "2")
    mq("send", "/from", "1", "2", "3")
    terminal, mover, line = waiting_line(["move", "/from", "/to", "--follow"])
    assert b"2 messages" in line and line.endswith(b"waits for room"), line
    mq("receive", "/to", stdout=subprocess.DEVNULL)
    terminal.read(lambda: WAITS.findall(terminal.screen)[-1].endswith(b"waits for a message"))
    mover.send_signal(signal.SIGINT)
    assert mover.wait(PATIENCE) == -signal.SIGINT
    assert b"3 messages" in WAITS.findall(terminal.screen)[-1], terminal.screen[-200:]
    terminal.close()


def test_waiting_is_not_shown_elsewhere(directory):
    """Piped, or with --quiet, nothing is said of a wait."""
    mq("create", "/silent")
    terminal = Terminal()
    for options, error in [(["--quiet"], terminal.inside), ([], subprocess.PIPE)]:
        result = subprocess.run([MQ, "receive", "/silent", "--all", "--timeout", "600ms", *options],
                                stdout=subprocess.DEVNULL, stderr=error, timeout=PATIENCE)
        assert result.returncode == 0 and not result.stderr, result
    assert not select.select([terminal.outside], [], [], 0)[0]
    terminal.close()


def test_narrow_terminal(directory):
    """The line is never longer than the terminal is wide."""
    stop = os.path.join(directory, "stop-narrow")
    mq("create", "/narrow-terminal-and-a-long-name-for-it")
    terminal = Terminal(columns=30)
    lines = slow_lines(stop)
    sender = subprocess.Popen([MQ, "send", "-q", "/narrow-terminal-and-a-long-name-for-it", "--lines"], stdin=lines.stdout,
                              stderr=terminal.inside)
    lines.stdout.close()
    drain = subprocess.Popen([MQ, "follow", "/narrow-terminal-and-a-long-name-for-it"], stdout=subprocess.DEVNULL)
    terminal.read(lambda: terminal.screen.count(b"\x1b[K") > 2)
    open(stop, "w").close()
    assert sender.wait(PATIENCE) == 0
    for line in terminal.screen.split(b"\r")[1:]:
        assert len(line.replace(b"\x1b[K", b"")) < 30, line
    drain.send_signal(signal.SIGINT)
    assert drain.wait(PATIENCE) == -signal.SIGINT
    lines.wait()
    terminal.close()


def test_control_c(directory):
    """Typed at the terminal: mq dies of SIGINT, which a shell shows as 130, and the message that was shown is gone."""
    mq("create", "/interrupted")
    mq("send", "/interrupted", "first")
    terminal = Terminal()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(terminal.inside, termios.TIOCSCTTY, 0)
        for descriptor in (0, 1, 2):
            os.dup2(terminal.inside, descriptor)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(MQ, [MQ, "follow", "/interrupted"])
    terminal.read(lambda: b"first\n" in terminal.screen)
    terminal.read(lambda: statistics("/interrupted")["waiting_receivers"] == 1)  # it is done with that message
    os.write(terminal.outside, b"\x03")
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGINT, status
    assert subprocess.run([MQ, "receive", "/interrupted", "--nonblock"], stderr=subprocess.DEVNULL).returncode == 6
    terminal.close()


def test_save_refuses_a_terminal(directory):
    """A saved queue is nothing for a screen."""
    mq("create", "/saved")
    terminal = Terminal()
    result = subprocess.run([MQ, "save", "/saved"], stdout=terminal.inside, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 64 and "nothing for a terminal" in result.stderr, result
    assert not select.select([terminal.outside], [], [], 0)[0]
    terminal.close()


def main():
    scratch = tempfile.mkdtemp(prefix="mqxx-cli-", dir="/dev/shm")
    os.environ["MQXX_DIR"] = os.path.join(scratch, "queues")
    os.environ.pop("MQUEUE", None)
    os.mkdir(os.environ["MQXX_DIR"])
    failed = []
    try:
        for name, test in list(globals().items()):
            if not name.startswith("test_"):
                continue
            try:
                test(scratch)
            except Exception as error:  # every test is run, and told
                failed.append(name)
                print(f"FAILED: {name}: {test.__doc__}\n  {type(error).__name__}: {error}")
    finally:
        shutil.rmtree(scratch)
    sys.exit(1 if failed else 0)


main()
