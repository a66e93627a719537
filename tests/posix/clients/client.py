# A Python program that uses message queues of libc through ctypes. It prints what it sees, never names, numbers of
# processes or times: on any implementation the output must be the same.
import asyncio
import ctypes
import errno
import os
import select
import signal
import socket
import time

CAPACITY, SIZE = 8, 64
libc = ctypes.CDLL(None, use_errno=True)


class Attributes(ctypes.Structure):
    _fields_ = [(field, ctypes.c_long) for field in ("flags", "maxmsg", "msgsize", "curmsgs")] + [
        ("reserved", ctypes.c_long * 4)
    ]


class Event(ctypes.Structure):
    """struct sigevent of 64 bytes."""

    _fields_ = [("value", ctypes.c_void_p), ("signo", ctypes.c_int), ("notify", ctypes.c_int), ("rest", ctypes.c_byte * 48)]


class Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


libc.mq_receive.restype = libc.mq_timedreceive.restype = ctypes.c_ssize_t
libc.mq_send.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint]
libc.mq_receive.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p]
libc.mq_timedreceive.argtypes = libc.mq_receive.argtypes + [ctypes.c_void_p]


def say(*words):
    print(*words, flush=True)


def checked(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def error_of(call, *arguments):
    try:
        call(*arguments)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "none"


def open_queue(name, flags=os.O_RDWR | os.O_CREAT | os.O_EXCL):
    attributes = Attributes(maxmsg=CAPACITY, msgsize=SIZE)
    return checked(libc.mq_open(name.encode(), flags, 0o600, ctypes.byref(attributes)))


def unlink(name):
    checked(libc.mq_unlink(name.encode()))


def send(queue, message, priority=0):
    checked(libc.mq_send(queue, message, len(message), priority))


def receive(queue, size=SIZE):
    buffer, priority = ctypes.create_string_buffer(size), ctypes.c_uint()
    got = checked(libc.mq_receive(queue, buffer, size, ctypes.byref(priority)))
    return buffer.raw[:got], priority.value


def receive_until(queue, deadline):
    buffer, until = ctypes.create_string_buffer(SIZE), Time(int(deadline), int(deadline % 1 * 1e9))
    return buffer.raw[: checked(libc.mq_timedreceive(queue, buffer, SIZE, None, ctypes.byref(until)))]


def depth(queue):
    attributes = Attributes()
    checked(libc.mq_getattr(queue, ctypes.byref(attributes)))
    return attributes.curmsgs


def notify(queue, signo):
    event = Event(value=4711, signo=signo, notify=0)
    checked(libc.mq_notify(queue, ctypes.byref(event)))


def child(body):
    process = os.fork()
    if process == 0:
        status = 1
        try:
            body()
            status = 0
        finally:
            os._exit(status)
    return process


def ended(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def words(mask):
    return "+".join(name for name, bit in (("in", select.POLLIN), ("out", select.POLLOUT), ("hup", select.POLLHUP)) if mask & bit)


def readiness(queue):
    poller = select.poll()
    poller.register(queue, select.POLLIN | select.POLLOUT)
    return words(dict(poller.poll(0)).get(queue, 0)) or "nothing"


def basics(name):
    queue = open_queue(name)
    say("errors:", error_of(open_queue, name), error_of(open_queue, name + "/x"), error_of(open_queue, name[1:]))
    say("empty:", readiness(queue))
    send(queue, b"low"), send(queue, b"high", 9), send(queue, b"")
    say("some:", readiness(queue), depth(queue))
    while depth(queue) < CAPACITY:
        send(queue, b"\0binary\0", 1)
    say("full:", readiness(queue))
    os.set_blocking(queue, False)
    say("no room:", error_of(send, queue, b"more"), "too long:", error_of(send, queue, b"x" * (SIZE + 1)))
    say("short buffer:", error_of(receive, queue, SIZE - 1))
    say(*(receive(queue) for _ in range(CAPACITY)))
    say("empty:", error_of(receive, queue), readiness(queue))
    os.set_blocking(queue, True)
    before = time.time()
    say("deadline:", error_of(receive_until, queue, before + 0.05), time.time() >= before + 0.05)
    os.close(queue)
    say("closed:", error_of(send, queue, b"x"), error_of(libc_close, queue))
    unlink(name)


def libc_close(queue):
    checked(libc.mq_close(queue))


def with_poll(name, count=2000):
    """A consumer that polls first and then makes a blocking call, beside a producer that does likewise."""
    queue = open_queue(name)

    def produce():
        poller = select.poll()
        poller.register(queue, select.POLLOUT)
        for number in range(count):
            poller.poll()
            send(queue, str(number).encode(), number % 3)

    producer = child(produce)
    poller = select.poll()
    poller.register(queue, select.POLLIN)
    last, total = [-1, -1, -1], 0
    while total < count:
        for _, mask in poller.poll():
            assert mask == select.POLLIN
            message, priority = receive(queue)
            assert int(message) % 3 == priority and int(message) > last[priority]
            last[priority] = int(message)
            total += 1
    say("poll:", total, "messages in order, producer", ended(producer), "left", depth(queue))
    os.close(queue)
    unlink(name)


def with_epoll(name, count=2000):
    """Edge-triggered: after each event the queue is emptied."""
    queue = open_queue(name)
    os.set_blocking(queue, False)
    other = checked(libc.mq_open(name.encode(), os.O_WRONLY))

    def produce():
        for number in range(count):
            send(other, str(number).encode())

    epoll = select.epoll()
    epoll.register(queue, select.EPOLLIN | select.EPOLLET)
    producer, expected = child(produce), 0
    while expected < count:
        epoll.poll()
        while True:
            try:
                message, _ = receive(queue)
            except BlockingIOError:
                break
            assert int(message) == expected
            expected += 1
    say("epoll:", expected, "messages in order, producer", ended(producer), "more events:", len(epoll.poll(0)))
    send(other, b"x")
    say("one more:", [words(mask) for _, mask in epoll.poll(0)], "and again:", epoll.poll(0))
    epoll.close(), os.close(queue), os.close(other)
    unlink(name)


def with_select(name):
    queue = open_queue(name)
    say("select, empty:", [len(part) for part in select.select([queue], [queue], [queue], 0)])
    send(queue, b"x")
    say("select, some:", [len(part) for part in select.select([queue], [queue], [queue], 0)])
    os.close(queue)
    unlink(name)


def with_asyncio(name, count=500):
    queue = open_queue(name)
    os.set_blocking(queue, False)

    async def consume():
        loop, done, got = asyncio.get_running_loop(), asyncio.Event(), []

        def readable():
            got.append(int(receive(queue)[0]))
            if len(got) == count:
                done.set()

        loop.add_reader(queue, readable)
        producer = child(lambda: (os.set_blocking(queue, True), [send(queue, str(n).encode()) for n in range(count)]))
        # The description is shared, so the consumer blocks too from now on: it must never be told of what is not there.
        await asyncio.wait_for(done.wait(), 15)
        loop.remove_reader(queue)
        say("asyncio:", got == list(range(count)), "producer", ended(producer))

    asyncio.run(consume())
    os.close(queue)
    unlink(name)


def with_signals(name):
    queue = open_queue(name)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
    for _ in range(3):
        notify(queue, signal.SIGRTMIN)
        sender = child(lambda: (send(queue, b"first"), send(queue, b"second")))
        info = signal.sigwaitinfo([signal.SIGRTMIN])
        say(
            "signal:",
            info.si_code == -3,
            info.si_pid == sender,
            info.si_uid == os.getuid(),
            "sender",
            ended(sender),
            receive(queue)[0],
            receive(queue)[0],
            "more:",
            signal.sigtimedwait([signal.SIGRTMIN], 0),
        )
    notify(queue, signal.SIGRTMIN)
    say("registered twice:", error_of(notify, queue, signal.SIGRTMIN))
    caught = []
    signal.signal(signal.SIGUSR1, lambda number, frame: caught.append(number))
    checked(libc.mq_notify(queue, None))
    notify(queue, signal.SIGUSR1)
    send(queue, b"x")
    say("handler:", caught == [signal.SIGUSR1], receive(queue)[0])
    os.close(queue)
    unlink(name)


def with_descriptors(name):
    """A queue without a name goes to another process through a socket; duplicates share their flags."""
    queue = open_queue(name)
    unlink(name)
    ours, theirs = socket.socketpair()

    def use():
        _, descriptors, _, _ = socket.recv_fds(theirs, 1, 1)
        send(descriptors[0], receive(descriptors[0])[0].upper())

    process = child(use)
    send(queue, b"through a socket")
    socket.send_fds(ours, [b"x"], [queue])
    say("passed on:", ended(process), receive(queue)[0])
    twin = os.dup(queue)
    os.set_blocking(queue, False)
    say("shared flags:", os.get_blocking(twin), error_of(receive, twin), "inheritable:", os.get_inheritable(queue))
    os.close(queue)
    send(twin, b"twin")
    say(receive(twin)[0])
    os.close(twin)


def main():
    libc.mq_open.argtypes = None
    name = f"/mqxx-python-{os.getpid()}"
    for part in (basics, with_poll, with_epoll, with_select, with_asyncio, with_signals, with_descriptors):
        part(name)
    say("the end")


main()
