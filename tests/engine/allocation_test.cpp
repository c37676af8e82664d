// What a run allocates. The first runs of a session make room for everything; from then on typing must not.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

#include "fixtures.h"
#include "session.h"

namespace {

size_t allocated = 0;
size_t largest = 0;

void* counted(size_t size) {
  allocated += size;
  largest = std::max(largest, size);
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(size_t size) { return counted(size); }
void* operator new[](size_t size) { return counted(size); }
// All of a kind are replaced together: what one allocates another frees.
void* operator new(size_t size, const std::nothrow_t& /*none*/) noexcept {
  allocated += size;
  return std::malloc(size == 0 ? 1 : size);
}
void* operator new[](size_t size, const std::nothrow_t& none) noexcept { return operator new(size, none); }
void operator delete(void* memory, const std::nothrow_t& /*none*/) noexcept { std::free(memory); }
void operator delete[](void* memory, const std::nothrow_t& /*none*/) noexcept { std::free(memory); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t /*size*/) noexcept { std::free(memory); }
void operator delete[](void* memory, size_t /*size*/) noexcept { std::free(memory); }

namespace charglow {
namespace {

/// A typical model of each kind.
class Allocation : public ::testing::TestWithParam<std::string> {};

TEST_P(Allocation, AKeystrokeMakesRoomForNothingButShapes) {
  const auto model = testing::openFixture(GetParam());
  const Shape shape = model->inputShape();
  const int ids = model->inputs()[0].idCount;
  Session session(model);
  const auto run = [&](int last) {
    std::vector<int32_t> text(static_cast<size_t>(shape[1].known() ? shape[1].size : 6), 1 % ids);
    text.back() = last % ids;
    session.setIds(text, 1);
  };
  for (int i = 0; i < 4; ++i) run(i);
  allocated = largest = 0;
  run(1);
  const size_t most = largest;  // before a failure's message allocates
  const size_t all = allocated;
  // A tensor's shape is a list of axes on the heap, and a layer looks at some. Nothing is larger than one: no
  // values, states or scores are made room for, whose size would grow with the text or the units.
  EXPECT_LE(most, 4 * sizeof(Dim)) << "of " << all << " bytes";
}

INSTANTIATE_TEST_SUITE_P(Fixtures, Allocation,
                         ::testing::Values("keras-1.2/classic", "keras-2.15/classic", "keras-2.15/gates_gru",
                                           "keras-2.15/gates_lstm", "keras-2.15/gates_bidirectional",
                                           "keras-2.15/gates_mask", "keras-2.2/weights_only",
                                           "keras-3/gates_gru"),
                         testing::fixtureTestName<std::string>);

}  // namespace
}  // namespace charglow
