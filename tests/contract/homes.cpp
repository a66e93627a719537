// The homes that are held to the contract. Another one is one more row.
#include "contract/backend_contract.hpp"

namespace mqxx::test {
namespace {

constexpr Home kShm{.name = "Shm", .prefix = "", .can = {}};

std::string home_name(const testing::TestParamInfo<Home>& info) { return std::string(info.param.name); }

}  // namespace

INSTANTIATE_TEST_SUITE_P(Homes, BackendContract, testing::Values(kShm), home_name);

}  // namespace mqxx::test
