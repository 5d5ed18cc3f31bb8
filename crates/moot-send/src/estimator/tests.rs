//! Claims about the estimator on simulated paths.

mod flow;
mod hostile;
mod link;
mod losses;
mod paths;
mod reports;
