fn main() { apprentice_faults::run() }
