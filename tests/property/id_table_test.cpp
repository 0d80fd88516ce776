// The table of ids against what it stands for: a map of held ids and a queue of committed ones.
#include "consumer/id_table.hpp"

#include <algorithm>
#include <deque>
#include <map>
#include <string>

#include <doctest/doctest.h>

#include "tests/support/random.hpp"

namespace blocky::test {
namespace {

class Model {
public:
    explicit Model(Random& random)
        : random_(random),
          window_(random.one_in(5) ? 0 : random.between(1, 40)),
          table_(window_, {static_cast<unsigned char>(random.next())}) {}

    void step() {
        const auto id = std::to_string(random_.below(120));
        const auto hash = table_.hash(id);
        const bool committed = std::ranges::count(committed_, id) > 0;
        if (held_.contains(id)) {
            if (random_.one_in(3)) {
                table_.forget(hash);
            } else {
                table_.commit(hash);
                committed_.push_back(id);
                if (committed_.size() > window_) {
                    committed_.pop_front();
                }
            }
            held_.erase(id);
        } else if (!committed) {
            table_.hold(hash, ++number_);
            held_[id] = number_;
        }
    }

    void check() const {
        REQUIRE(table_.size() == held_.size() + committed_.size());
        for (int which = 0; which < 120; ++which) {
            const auto id = std::to_string(which);
            const bool committed = std::ranges::count(committed_, id) > 0;
            const auto known = table_.find(table_.hash(id));
            REQUIRE(known.has_value() == (committed || held_.contains(id)));
            REQUIRE((!known || known->committed == committed));
            REQUIRE((!known || committed || known->held_as == held_.at(id)));
        }
    }

private:
    Random& random_;
    std::size_t window_;
    IdTable table_;
    std::map<std::string, std::uint64_t> held_;
    std::deque<std::string> committed_;
    std::uint64_t number_ = 0;
};

TEST_CASE("the table knows what its model knows, whatever happened before") {
    Random random;
    for (int run = 0; run < 200; ++run) {
        Model model(random);
        for (int step = 0; step < 500; ++step) {
            model.step();
            if (step % 25 == 0) {
                model.check();
            }
        }
        model.check();
    }
}

}  // namespace
}  // namespace blocky::test
