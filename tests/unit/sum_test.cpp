// The sum sink: exact in 128 bits, a double with a fraction, and what fits neither rejected alone.
#include "consumer/sinks/sum.hpp"

#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <nlohmann/json.hpp>

#include "common/command_line.hpp"
#include "consumer/sinks/make_sink.hpp"
#include "tests/support/values.hpp"

namespace blocky::test {
namespace {

const std::string kMost = "170141183460469231731687303715884105727";
const std::string kMostAndOne = "170141183460469231731687303715884105728";
const std::string kLeast = "-170141183460469231731687303715884105728";

struct Sums {
    explicit Sums(const std::vector<std::string>& values) {
        const auto batch = batch_of(values);
        SumSink sink;
        auto result = sink.process(batch);
        REQUIRE(result);
        verdicts = std::move(*result);
        REQUIRE(verdicts.size() == values.size());
        summary = sink.summarize(batch, verdicts);
    }
    bool rejected(std::size_t i) const { return verdicts[i].kind == Verdict::Kind::kRejected; }
    std::vector<Verdict> verdicts;
    Summary summary;
};

std::string total(const std::vector<std::string>& values) {
    return Sums(values).summary.json;
}

TEST_CASE("the total is every message's result and the batch's summary") {
    const Sums sums({"1", "2", "3"});
    for (const auto& verdict : sums.verdicts) {
        CHECK(verdict.kind == Verdict::Kind::kStored);
        CHECK(verdict.detail == "6");
    }
    CHECK(sums.summary.json == "6");
    CHECK(sums.summary.text == "Adding 3 numbers ✅ Total is 6 🧮");
}

TEST_CASE("an empty batch has the words of the original, too") {
    const auto summary = SumSink().summarize(Batch{}, {});
    CHECK(summary.json == "0");
    CHECK(summary.text == "Adding 0 numbers ✅ Total is 0 🧮");
}

TEST_CASE("integers are summed exactly, beyond 64 bits and with either sign") {
    CHECK(total({"9223372036854775807", "1"}) == "9223372036854775808");
    CHECK(total({"18446744073709551615", "18446744073709551615"}) == "36893488147419103230");
    CHECK(total({"-9223372036854775808", "-1"}) == "-9223372036854775809");
    CHECK(total({"9007199254740993", "-9007199254740992"}) == "1");
    CHECK(total({"5", "-5"}) == "0");
    CHECK(total({"-0"}) == "0");
    CHECK(total({kMost}) == kMost);
    CHECK(total({kLeast}) == kLeast);
    CHECK(total({kMost, kLeast}) == "-1");
    CHECK(total({kLeast, kMost, "1"}) == "0");
}

TEST_CASE("a message that would take the total past 128 bits is rejected alone") {
    const Sums over({kMost, "1", "-1"});
    CHECK_FALSE(over.rejected(0));
    CHECK(over.rejected(1));
    CHECK_FALSE(over.verdicts[1].detail.empty());
    CHECK_FALSE(over.rejected(2));
    CHECK(over.summary.json == kMost.substr(0, kMost.size() - 1) + "6");
    CHECK(over.verdicts[0].detail == over.summary.json);

    const Sums under({kLeast, "-1", "3"});
    CHECK(under.rejected(1));
    CHECK(under.summary.json == "-170141183460469231731687303715884105725");
}

TEST_CASE("an integer that alone is beyond 128 bits is rejected") {
    CHECK(Sums({kMostAndOne}).rejected(0));
    CHECK(Sums({"-170141183460469231731687303715884105729"}).rejected(0));
    CHECK(Sums({std::string(300, '9')}).rejected(0));
    const Sums beside({std::string(300, '9'), "4"});
    CHECK(beside.rejected(0));
    CHECK(beside.summary.json == "4");
}

TEST_CASE("when all are rejected the total is 0") {
    const Sums sums({kMostAndOne, kMostAndOne});
    CHECK(sums.summary.json == "0");
    CHECK(sums.summary.text == "Adding 2 numbers ✅ Total is 0 🧮");
}

TEST_CASE("a number with a point or an exponent makes the total a double") {
    CHECK(total({"1.5", "2"}) == "3.5");
    CHECK(total({"2", "1.5", "-0.5"}) == "3.0");
    CHECK(total({"1e3"}) == "1000.0");
    CHECK(total({"1E+2", "1"}) == "101.0");
    CHECK(total({"2.0"}) == "2.0");
    CHECK(total({"-1.25"}) == "-1.25");
    CHECK(total({"1e-400"}) == "0.0");
    CHECK(nlohmann::json::parse(total({kMost, "0.5"})).get<double>() == doctest::Approx(1.7014e38));
}

TEST_CASE("integers beside a fraction are still added exactly among themselves") {
    CHECK(total({"9007199254740993", "0.0", "-9007199254740992"}) == "1.0");
}

TEST_CASE("a number that would take the total past a double is rejected alone") {
    const Sums sums({"1.7e308", "1e308", "-1.7e308"});
    CHECK_FALSE(sums.rejected(0));
    CHECK(sums.rejected(1));
    CHECK_FALSE(sums.rejected(2));
    CHECK(sums.summary.json == "0.0");
}

TEST_CASE("batches are summed each by itself") {
    SumSink sink;
    REQUIRE(sink.process(batch_of({"5"})));
    CHECK(sink.process(batch_of({"7"}))->at(0).detail == "7");
}

TEST_CASE("numbers are taken, anything else is objected to at receipt") {
    const SumSink sink;
    for (const std::string value : {"0", "-1", "1.5e3", "123456789012345678901234567890"}) {
        CAPTURE(value);
        CHECK_FALSE(sink.objection_to(request(value)));
    }
    for (const std::string value :
         {"null", "true", "\"1\"", "\"\"", "[1]", "{}", "{\"value\":1}"}) {
        CAPTURE(value);
        CHECK(sink.objection_to(request(value)));
    }
}

TEST_CASE("a sink is made by its name") {
    SinkOptions options;
    CHECK(make_sink(options) != nullptr);
    for (const std::string spec : {"", "SUM", "sum ", "sum:", "sum:x", "lake:x"}) {
        options.spec = spec;
        CHECK_THROWS_WITH_AS(make_sink(options), doctest::Contains("--sink: got"), UsageError);
    }
}

}  // namespace
}  // namespace blocky::test
