/// Not `Sendable`.
final class Basket {
    var items: [Int]

    init(_ items: [Int]) {
        self.items = items
    }
}
