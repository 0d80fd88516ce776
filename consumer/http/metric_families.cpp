// Puts values where prometheus-cpp looks for them.
#include "consumer/http/metric_families.hpp"

#include <prometheus/text_serializer.h>

namespace blocky {

using prometheus::ClientMetric;
using prometheus::MetricType;

void MetricFamilies::counter(const std::string& name, const std::string& help, double value) {
    ClientMetric metric;
    metric.counter.value = value;
    add(name, help, MetricType::Counter, {metric});
}

void MetricFamilies::counters(const std::string& name, const std::string& help,
                              const std::string& label, const ByLabel& values) {
    std::vector<ClientMetric> metrics;
    for (const auto& [of, value] : values) {
        metrics.emplace_back().label.push_back({label, of});
        metrics.back().counter.value = value;
    }
    add(name, help, MetricType::Counter, std::move(metrics));
}

void MetricFamilies::gauge(const std::string& name, const std::string& help, double value,
                           const Labels& labels) {
    ClientMetric metric;
    for (const auto& [label, of] : labels) {
        metric.label.push_back({label, of});
    }
    metric.gauge.value = value;
    add(name, help, MetricType::Gauge, {metric});
}

void MetricFamilies::gauges(const std::string& name, const std::string& help,
                            const std::string& label, const ByLabel& values) {
    std::vector<ClientMetric> metrics;
    for (const auto& [of, value] : values) {
        metrics.emplace_back().label.push_back({label, of});
        metrics.back().gauge.value = value;
    }
    add(name, help, MetricType::Gauge, std::move(metrics));
}

void MetricFamilies::add(const std::string& name, const std::string& help, MetricType type,
                         std::vector<ClientMetric> metrics) {
    families_.push_back({name, help, type, std::move(metrics)});
}

std::string MetricFamilies::text() const {
    return prometheus::TextSerializer().Serialize(families_);
}

}  // namespace blocky
