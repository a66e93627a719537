// Worker pool: processes share one queue of jobs, and each takes a job when it is free. A worker works on a loan: one
// that is killed in the middle leaves its job to the others. worker.cpp is the same with one worker.
#include <csignal>
#include <iostream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <mqxx/queue.hpp>

namespace {

constexpr const char* kJobs = "/pool-example-jobs";
constexpr const char* kResults = "/pool-example-results";
constexpr std::string_view kDeadly = "job 3";

/// Does jobs until there is an empty one. A victim dies over the deadly one.
void work(bool is_victim) {
  auto jobs = mqxx::Queue::open(kJobs);
  auto results = mqxx::Queue::open(kResults);
  while (auto job = jobs.receive_loan()) {
    const std::string text(reinterpret_cast<const char*>(job.bytes().data()), job.bytes().size());
    if (is_victim && text == kDeadly) std::raise(SIGKILL);
    if (!text.empty()) results.send(text + " is done");
    job.release();  // only now is it gone
    if (text.empty()) return;
  }
}

pid_t start(bool is_victim) {
  const pid_t process = ::fork();
  if (process != 0) return process;
  work(is_victim);
  ::_exit(0);
}

}  // namespace

int main() {
  auto jobs = mqxx::Queue::open_or_create(kJobs, {.capacity = 100, .message_size = 256});
  auto results = mqxx::Queue::open_or_create(kResults, {.capacity = 100, .message_size = 256});

  const pid_t victim = start(true);
  for (int i = 1; i <= 3; ++i) jobs.send("job " + std::to_string(i));
  int status = 0;
  ::waitpid(victim, &status, 0);
  std::cout << "a worker was killed by signal " << WTERMSIG(status) << ", with a job on loan\n";

  std::vector<pid_t> pool;
  for (int i = 0; i < 3; ++i) pool.push_back(start(false));
  for (int i = 4; i <= 8; ++i) jobs.send("job " + std::to_string(i));

  // Workers finish in any order. The dead one's job is found when somebody would have to wait for one.
  std::multiset<std::string> done;
  while (done.size() < 8) done.emplace(results.receive().text());
  for (std::size_t i = 0; i < pool.size(); ++i) jobs.send("");  // one for each: it is time to go home
  for (const pid_t worker : pool) ::waitpid(worker, nullptr, 0);
  for (const std::string& result : done) std::cout << result << '\n';
  jobs.unlink();
  results.unlink();
}
