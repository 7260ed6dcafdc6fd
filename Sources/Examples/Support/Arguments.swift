internal import GreenExampleArguments

/// The command line, starting with the name of the program.
let commandLine: [String] = (0..<green_example_argument_count()).map { index in
    unsafe String(cString: green_example_argument(index)!)
}
