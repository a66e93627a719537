# A Ruby program that uses message queues of libc through Fiddle. It prints what it sees, never names, numbers of
# processes or times: on any implementation the output must be the same.
require 'fiddle'

# The calls, with exceptions for errors.
module Libc
  HANDLE = Fiddle.dlopen(nil)
  INT, LONG, SIZE, POINTER = Fiddle::TYPE_INT, Fiddle::TYPE_LONG, Fiddle::TYPE_SIZE_T, Fiddle::TYPE_VOIDP
  UNSIGNED = -INT

  def self.call(name, arguments, result = INT)
    function = Fiddle::Function.new(HANDLE[name], arguments, result)
    define_singleton_method(name) do |*values|
      got = function.call(*values)
      raise SystemCallError.new(nil, Fiddle.last_error) if got.negative?

      got
    end
  end

  call 'mq_open', [POINTER, INT, INT, POINTER]
  call 'mq_unlink', [POINTER]
  call 'mq_close', [INT]
  call 'mq_send', [INT, POINTER, SIZE, UNSIGNED]
  call 'mq_receive', [INT, POINTER, SIZE, POINTER], Fiddle::TYPE_SSIZE_T
  call 'mq_notify', [INT, POINTER]
  call 'mq_getattr', [INT, POINTER]
end

# One queue as an object.
class MessageQueue
  CAPACITY = 8
  SIZE = 64
  attr_reader :io

  def initialize(name, flags = IO::RDWR | IO::CREAT | IO::EXCL)
    @descriptor = Libc.mq_open(name, flags, 0o600, [0, CAPACITY, SIZE, 0, 0, 0, 0, 0].pack('l!8'))
    @io = IO.for_fd(@descriptor, autoclose: false)
  end

  def send(message, priority = 0) = Libc.mq_send(@descriptor, message, message.bytesize, priority)

  def receive
    buffer = "\0" * SIZE
    priority = [0].pack('I')
    size = Libc.mq_receive(@descriptor, buffer, SIZE, priority)
    [buffer.byteslice(0, size), priority.unpack1('I')]
  end

  def depth = [0].pack('l!x56').tap { |attributes| Libc.mq_getattr(@descriptor, attributes) }.unpack('l!4').last

  def notify(signal) = Libc.mq_notify(@descriptor, [0, Signal.list[signal], 0].pack('Qllx48'))

  def ready = IO.select([@io], [@io], [], 0)&.first(2)&.map(&:size) || [0, 0]

  def close = Libc.mq_close(@descriptor)
end

def error_of
  yield
  'none'
rescue SystemCallError => e
  e.class.name
end

def basics(name)
  queue = MessageQueue.new(name)
  puts "errors: #{error_of { MessageQueue.new(name) }} #{error_of { MessageQueue.new("#{name}/x") }}"
  puts "empty: #{queue.ready}"
  queue.send('low')
  queue.send('high', 31)
  puts "some: #{queue.ready} #{queue.depth}"
  queue.send('more') while queue.depth < MessageQueue::CAPACITY
  puts "full: #{queue.ready}"
  puts Array.new(MessageQueue::CAPACITY) { queue.receive }.inspect
  puts "empty: #{queue.ready}"
  queue.close
  puts "closed: #{error_of { queue.send('x') }}"
  Libc.mq_unlink(name)
end

# A child sends; this process waits in IO.select and then makes a blocking call.
def with_select(name, count = 1000)
  queue = MessageQueue.new(name)
  child = fork do
    count.times { |number| queue.send(number.to_s) }
    exit! 0
  end
  numbers = Array.new(count) do
    IO.select([queue.io])
    queue.receive.first.to_i
  end
  Process.wait(child)
  puts "select: #{numbers == (0...count).to_a}, child #{$?.exitstatus}, left #{queue.depth}"
  queue.close
  Libc.mq_unlink(name)
end

def with_trap(name)
  queue = MessageQueue.new(name)
  reader, writer = IO.pipe
  trap('USR1') { writer.write_nonblock('!') }
  5.times do |round|
    queue.notify('USR1')
    child = fork do
      queue.send("round #{round}")
      exit! 0
    end
    reader.read(1)
    Process.wait(child)
    puts "trap: #{queue.receive.first}, child #{$?.exitstatus}"
  end
  queue.notify('USR1')
  puts "registered twice: #{error_of { queue.notify('USR1') }}"
  queue.close
  Libc.mq_unlink(name)
end

# Another thread makes the queue ready while this one waits.
def with_threads(name, count = 300)
  queue = MessageQueue.new(name)
  producer = Thread.new do
    count.times do |number|
      IO.select([], [queue.io])
      queue.send(number.to_s)
    end
  end
  numbers = Array.new(count) do
    IO.select([queue.io])
    queue.receive.first.to_i
  end
  producer.join
  puts "threads: #{numbers == (0...count).to_a}"
  queue.close
  Libc.mq_unlink(name)
end

$stdout.sync = true
name = "/mqxx-ruby-#{Process.pid}"
basics(name)
with_select(name)
with_trap(name)
with_threads(name)
puts 'the end'
