// Collects numbers under their names and writes them as text, by prometheus-cpp: of that only the
// format is used, for the numbers are those of a snapshot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>

#include "consumer/histogram.hpp"

namespace blocky {

class MetricFamilies {
public:
    using Labels = std::vector<std::pair<std::string, std::string>>;
    // The numbers of one name, by one label.
    using ByLabel = std::vector<std::pair<std::string, double>>;

    void counter(const std::string& name, const std::string& help, double value);
    void counters(const std::string& name, const std::string& help, const std::string& label,
                  const ByLabel& values);
    void gauge(const std::string& name, const std::string& help, double value,
               const Labels& labels = {});
    void gauges(const std::string& name, const std::string& help, const std::string& label,
                const ByLabel& values);

    // Counted values are whole; a bucket's bound is told as so many of a unit: nanoseconds as
    // seconds by 1e9.
    template <std::size_t Bounds>
    void histogram(const std::string& name, const std::string& help,
                   const Histogram<Bounds>& histogram, double unit) {
        prometheus::ClientMetric metric;
        auto& told = metric.histogram;
        for (std::size_t i = 0; i < Bounds; ++i) {
            told.sample_count += histogram.counts().at(i);
            told.bucket.push_back(
                {told.sample_count, static_cast<double>(histogram.bounds().at(i)) / unit});
        }
        told.sample_count += histogram.counts().back();
        told.sample_sum = histogram.sum() / unit;
        add(name, help, prometheus::MetricType::Histogram, {metric});
    }

    std::string text() const;

private:
    void add(const std::string& name, const std::string& help, prometheus::MetricType type,
             std::vector<prometheus::ClientMetric> metrics);

    std::vector<prometheus::MetricFamily> families_;
};

}  // namespace blocky
