// Files of a run: CSV for machines, Markdown for docs/performance.md, plots for both.
#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "measure/results.hpp"
#include "report/targets.hpp"
#include "workloads/workload.hpp"

namespace bench {

using Facts = std::vector<std::pair<std::string, std::string>>;  // name, value

/// Everything a report is made of.
struct Record {
  const std::vector<Workload>& workloads;
  const Results& results;
  const std::vector<Verdict>& verdicts;
  const Facts& facts;  ///< machine, versions, seed
};

/// raw.csv (each number), summary.csv (medians), targets.csv, one CSV a family for the plots, machine.txt.
void write_csv(const std::filesystem::path& folder, const Record& record);

/// The tables of a run; between the two marker lines of `page` when it has them.
std::string markdown_of(const Record& record);
void insert_into_page(const std::filesystem::path& page, const std::string& tables);

/// Draws the families that were measured. Says so, and does no more, when gnuplot is missing.
void draw_plots(const std::filesystem::path& folder, const std::filesystem::path& scripts, const Record& record);

}  // namespace bench
