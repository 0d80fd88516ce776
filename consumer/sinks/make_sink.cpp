// One line per sink.
#include "consumer/sinks/make_sink.hpp"

#include "consumer/sinks/sum.hpp"

namespace blocky {

std::unique_ptr<Sink> make_sink(const std::string& spec) {
    if (spec == "sum") {
        return std::make_unique<SumSink>();
    }
    return nullptr;
}

}  // namespace blocky
