#include "cli/look/screen.hpp"

#include <algorithm>
#include <array>
#include <clocale>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <langinfo.h>
// ncurses calls it so. Its macros would be timeout and erase, which are words of ours, too.
#define NCURSES_NOMACROS  // NOLINT(readability-identifier-naming)
#include <ncurses.h>
#include <unistd.h>

namespace mqxx::cli {
namespace {

constexpr std::array kEndings{SIGINT, SIGTERM, SIGHUP, SIGQUIT};
volatile std::sig_atomic_t g_ended_by = 0;

void note_ending(int signal) { g_ended_by = signal; }

// Before ncurses, which would install its own and end with status 1.
void catch_endings() {
  struct sigaction action {};
  action.sa_handler = note_ending;
  for (const int signal : kEndings) {
    struct sigaction before {};
    const bool ignored = ::sigaction(signal, nullptr, &before) == 0 && before.sa_handler == SIG_IGN;  // as by nohup
    if (!ignored) static_cast<void>(::sigaction(signal, &action, nullptr));
  }
}

void end_by(int signal) {
  static_cast<void>(std::signal(signal, SIG_DFL));
  static_cast<void>(std::raise(signal));
}

constexpr short kWarning = 1;  // a pair of colours

// NOLINTBEGIN(concurrency-mt-unsafe): mq has one thread, and nothing in it changes the environment.
bool wants_colours() {
  const char* const refused = std::getenv("NO_COLOR");  // https://no-color.org
  return (refused == nullptr || *refused == '\0') && has_colors();
}

bool is_utf8() {
  std::setlocale(LC_CTYPE, "");
  return std::strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}
// NOLINTEND(concurrency-mt-unsafe)

int attribute_of(Look look) {
  switch (look) {
    case Look::heading: return static_cast<int>(A_REVERSE);
    case Look::warning: return static_cast<int>(A_BOLD) | (wants_colours() ? COLOR_PAIR(kWarning) : 0);
    case Look::dim: return static_cast<int>(A_DIM);
    default: return static_cast<int>(A_NORMAL);
  }
}

}  // namespace

std::optional<Screen> Screen::open() {
  const bool blocks = is_utf8();
  if (::isatty(STDOUT_FILENO) == 0 || ::isatty(STDIN_FILENO) == 0) return std::nullopt;
  catch_endings();
  // Unlike initscr it comes back where it does not know the terminal.
  if (newterm(nullptr, stdout, stdin) == nullptr) {
    for (const int signal : kEndings) static_cast<void>(std::signal(signal, SIG_DFL));
    return std::nullopt;
  }
  constexpr int kEscapeDelay = 25;  // ms, in which what a key sends has come whole
  set_escdelay(kEscapeDelay);
  cbreak();
  noecho();
  nonl();
  keypad(stdscr, true);
  curs_set(0);
  if (wants_colours()) {
    start_color();
    use_default_colors();
    init_pair(kWarning, COLOR_RED, -1);
  }
  Screen screen;
  screen.open_ = true;
  screen.blocks_ = blocks;
  return screen;
}

Screen::Screen(Screen&& other) noexcept : open_(std::exchange(other.open_, false)), blocks_(other.blocks_) {}

Screen::~Screen() { give_back(); }

void Screen::give_back() noexcept {
  if (std::exchange(open_, false)) endwin();
}

int Screen::width() const { return getmaxx(stdscr); }
int Screen::height() const { return getmaxy(stdscr); }

void Screen::draw(const std::vector<Line>& lines) const {
  erase();
  const int most = std::min(height(), static_cast<int>(lines.size()));
  for (int row = 0; row < most; ++row) {
    const Line& line = lines[static_cast<std::size_t>(row)];
    attrset(attribute_of(line.look));
    mvaddnstr(row, 0, line.text.c_str(), static_cast<int>(line.text.size()));
  }
  attrset(A_NORMAL);
  refresh();
}

Key Screen::wait_for_key(std::chrono::milliseconds milliseconds) {
  timeout(static_cast<int>(milliseconds.count()));
  const int key = getch();
  if (g_ended_by != 0) {
    give_back();
    end_by(g_ended_by);
  }
  switch (key) {
    case ERR: return {};
    case KEY_RESIZE: return {Key::Kind::resized, 0};
    case KEY_UP: return {Key::Kind::up, 0};
    case KEY_DOWN: return {Key::Kind::down, 0};
    case KEY_ENTER:
    case '\r':
    case '\n': return {Key::Kind::enter, 0};
    case KEY_BACKSPACE:
    case '\b':
    case 0x7f: return {Key::Kind::erase, 0};
    case 0x1b: return {Key::Kind::escape, 0};
    default: break;
  }
  const bool printable = key >= ' ' && key < 0x7f;
  return printable ? Key{Key::Kind::letter, static_cast<char>(key)} : Key{};
}

}  // namespace mqxx::cli
