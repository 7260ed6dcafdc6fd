/// Formats a time, such as "1.250 s".
public func seconds(_ time: Duration) -> String {
    let milliseconds = Int(time / .milliseconds(1))
    return "\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst()) s"
}

/// Pads a text with spaces on the left to the width of a column.
public func column(_ text: some CustomStringConvertible, _ width: Int) -> String {
    let text = text.description
    return String(repeating: " ", count: max(width - text.count, 0)) + text
}
