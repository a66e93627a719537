// Whether these tests run on an emulated processor, whose emulator stands between them and the kernel.
#pragma once

namespace mqxx::test {

#ifdef MQXX_EMULATED
inline constexpr bool kEmulated = true;
#else
inline constexpr bool kEmulated = false;
#endif

}  // namespace mqxx::test
