//! OpenBao's guarded first start and the job that makes it what the chart says.
