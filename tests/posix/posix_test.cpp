// libmqxx-posix.so, with the kernel as the oracle: each case of mqxx_posix_cases runs on the kernel's queues and
// preloaded, and the traces are compared. The page that promises this, and the names that the library exports, are
// compared with what is there.

#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "oracle.hpp"

namespace mqxx::test {

// For GoogleTest, which looks for it beside the type.
void PrintTo(const OracleCase& oracle_case, std::ostream* stream) {
  *stream << oracle_case.id << ": " << oracle_case.sentence;
}

namespace {

std::string name_of(const testing::TestParamInfo<OracleCase>& info) {
  return std::regex_replace(info.param.id, std::regex("\\."), "_");
}

std::string read(const char* path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << "cannot read " << path;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

testing::AssertionResult ran_well(const char* where, const Outcome& outcome) {
  if (outcome.well()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << where << (outcome.late ? ": did not end, and was killed" : "") << ": status "
                                     << outcome.status << "\nstderr:\n"
                                     << outcome.errors << "trace:\n"
                                     << outcome.trace;
}

class Oracle : public testing::TestWithParam<OracleCase> {};

TEST_P(Oracle, Agrees) {
  const Outcome ours = run_case(GetParam().id, Queues::preloaded);
  EXPECT_TRUE(ran_well("preloaded", ours));
  if (!kernel_has_queues()) GTEST_SKIP() << "this kernel has no message queues, so there is nothing to compare with";
  const Outcome kernel = run_case(GetParam().id, Queues::kernel);
  EXPECT_TRUE(ran_well("kernel", kernel));
  if (GetParam().differs) {
    EXPECT_NE(kernel.trace, ours.trace) << GetParam().id << " is declared a difference, and there is none";
  } else {
    EXPECT_TRUE(kernel.trace == ours.trace)
        << GetParam().id << ": " << GetParam().sentence << "\n(- kernel, + preloaded)\n"
        << difference(kernel.trace, ours.trace);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernel, Oracle, testing::ValuesIn(oracle_cases()), name_of);

TEST(Harness, PreloadThatIsNotInUseCannotPass) {
  const Outcome outcome = run_case("mq_open.1", Queues::none);
  EXPECT_FALSE(outcome.well()) << outcome.trace;
  EXPECT_NE(outcome.trace.find("ENOSYS"), std::string::npos) << outcome.trace << outcome.errors;
}

TEST(Documentation, HasARowForEachCaseAndACaseForEachRow) {
  std::set<std::string> cases;
  for (const OracleCase& entry : oracle_cases()) cases.insert(entry.id);
  std::multiset<std::string> rows;
  const std::string page = read(MQXX_POSIX_PAGE);
  const std::regex row("^\\| ([a-z_]+\\.[0-9]+) \\|");
  for (const std::string& line : lines_of(page)) {
    std::smatch match;
    if (std::regex_search(line, match, row)) rows.insert(match[1]);
  }
  for (const std::string& id : cases) EXPECT_EQ(rows.count(id), 1U) << "docs/posix.md: rows of " << id;
  for (const std::string& id : rows) EXPECT_EQ(cases.count(id), 1U) << "docs/posix.md has " << id << ", a case of none";
}

TEST(Documentation, ListsDifferencesFirstAndOnlyThere) {
  const std::string page = read(MQXX_POSIX_PAGE);
  const std::size_t begin = page.find("## Differences");
  const std::size_t end = page.find("\n## ", begin + 1);
  ASSERT_NE(begin, std::string::npos);
  EXPECT_EQ(page.find("\n## "), begin - 1) << "another section comes first";
  const std::string section = page.substr(begin, end - begin);
  for (const OracleCase& entry : oracle_cases()) {
    const bool listed = section.find("| " + entry.id + " |") != std::string::npos;
    EXPECT_EQ(listed, entry.differs) << entry.id << ": " << entry.sentence;
  }
}

/// The names between "global:" and "local:" of a version script.
std::set<std::string> names_in_map(const std::string& script) {
  const std::string text = std::regex_replace(script, std::regex("#[^\n]*|/\\*[^*]*\\*/"), "");
  const std::size_t begin = text.find("global:") + 7;
  const std::string list = text.substr(begin, text.find("local:") - begin);
  std::set<std::string> names;
  const std::regex name("[A-Za-z_0-9]+");
  for (std::sregex_iterator match(list.begin(), list.end(), name); match != std::sregex_iterator(); ++match) {
    names.insert(match->str());
  }
  return names;
}

TEST(Exports, AreTheListAndNothingElseWithoutVersions) {
  std::set<std::string> exported;
  for (const std::string& line :
       lines_of(output_of("'" MQXX_NM "' -D --defined-only --format=just-symbols '" MQXX_POSIX_LIBRARY "'"))) {
    // A version of its own would catch nothing: programs ask for GLIBC_2.34 or older, and would get the kernel's.
    EXPECT_EQ(line.find('@'), std::string::npos) << line;
    exported.insert(line);
  }
  const std::set<std::string> listed = names_in_map(read(MQXX_POSIX_MAP));
  for (const std::string& name : exported) EXPECT_EQ(listed.count(name), 1U) << name << " is exported, and not listed";
  for (const std::string& name : listed) EXPECT_EQ(exported.count(name), 1U) << name << " is listed, and not exported";
  for (const char* call : {"mq_open", "__mq_open_2", "mq_close", "mq_unlink", "mq_send", "mq_timedsend", "mq_receive",
                           "mq_timedreceive", "mq_notify", "mq_getattr", "mq_setattr", "close"}) {
    EXPECT_EQ(exported.count(call), 1U) << call;
  }
}

}  // namespace
}  // namespace mqxx::test
