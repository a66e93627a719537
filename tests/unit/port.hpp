// Which port is under test, for the few places where what it cannot do shows above it.
#pragma once

namespace mqxx::test {

#ifdef MQXX_PORT_GENERIC
inline constexpr bool kTellsEdges = false;      ///< strike_bell() is seen
inline constexpr bool kRaisesAsOthers = false;  ///< a sender may raise another process's signal, and knows it
#else
inline constexpr bool kTellsEdges = true;
inline constexpr bool kRaisesAsOthers = true;
#endif

}  // namespace mqxx::test
