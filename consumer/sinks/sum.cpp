// Exact sums: 128-bit integers, and doubles beside them.
#include "consumer/sinks/sum.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <string_view>
#include <system_error>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace blocky {
namespace {

__extension__ using Int128 = __int128;

std::optional<Int128> parse_integer(std::string_view digits) {
    const bool negative = digits.starts_with('-');
    Int128 number = 0;
    for (const char digit : digits.substr(negative ? 1 : 0)) {
        const Int128 value = digit - '0';
        if (__builtin_mul_overflow(number, Int128{10}, &number) ||
            __builtin_add_overflow(number, negative ? -value : value, &number)) {
            return std::nullopt;
        }
    }
    return number;
}

class Total {
public:
    // False: the total has no room for `number`, and is as it was.
    bool add(std::string_view number) {
        std::int64_t usual = 0;
        const auto* const end = number.data() + number.size();
        const auto [stop, error] = std::from_chars(number.data(), end, usual);
        if (error == std::errc{} && stop == end) {
            return !__builtin_add_overflow(integers_, Int128{usual}, &next_) && keep_next();
        }
        if (number.find_first_of(".eE") != std::string_view::npos) {
            return add_double(number);
        }
        const auto integer = parse_integer(number);
        return integer && !__builtin_add_overflow(integers_, *integer, &next_) && keep_next();
    }

    // As a JSON number.
    std::string text() const {
        if (!fraction_) {
            return fmt::format("{}", integers_);
        }
        return nlohmann::json(static_cast<double>(integers_) + doubles_).dump();
    }

private:
    bool keep_next() {
        integers_ = next_;
        return true;
    }

    bool add_double(std::string_view number) {
        double value = 0;
        std::from_chars(number.data(), number.data() + number.size(), value);
        if (!std::isfinite(doubles_ + value + static_cast<double>(integers_))) {
            return false;
        }
        doubles_ += value;
        fraction_ = true;
        return true;
    }

    Int128 integers_ = 0;
    Int128 next_ = 0;
    double doubles_ = 0;
    bool fraction_ = false;
};

}  // namespace

BatchResult SumSink::process(const Batch& batch) {
    Total total;
    std::vector<Verdict> verdicts(batch.messages.size());
    for (std::size_t i = 0; i < verdicts.size(); ++i) {
        if (!total.add(batch.messages[i].value)) {
            verdicts[i] = {Verdict::Kind::kRejected,
                           "the batch's total would pass 128 bits (or, with fractions, a double)"};
        }
    }
    const auto text = total.text();
    for (auto& verdict : verdicts) {
        if (verdict.processed()) {
            verdict.detail = text;
        }
    }
    return verdicts;
}

std::optional<std::string> SumSink::objection_to(const PushRequest& request) const {
    const char first = request.value.front();
    if (first == '-' || (first >= '0' && first <= '9')) {
        return std::nullopt;
    }
    return "the sum sink takes numbers only";
}

Summary SumSink::summarize(const Batch& batch, const std::vector<Verdict>& verdicts) const {
    const auto added = std::ranges::find_if(verdicts, &Verdict::processed);
    const std::string total = added == verdicts.end() ? "0" : added->detail;
    return {total,
            fmt::format("Adding {} numbers ✅ Total is {} 🧮", batch.messages.size(), total)};
}

}  // namespace blocky
