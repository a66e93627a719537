// Room made beforehand, where a vector must not fail later: as reserve(), and never by little.
#pragma once

#include <algorithm>
#include <vector>

namespace mqxx::loop {

template <class T>
void make_room(std::vector<T>& values, std::size_t count) {
  if (values.capacity() < count) values.reserve(std::max(count, 2 * values.capacity()));
}

}  // namespace mqxx::loop
