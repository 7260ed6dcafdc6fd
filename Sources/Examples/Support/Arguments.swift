internal import GreenExampleArguments

/// The command line, the name of the program first.
let commandLine: [String] = (0..<green_example_argument_count()).map { index in
    unsafe String(cString: green_example_argument(index)!)
}
