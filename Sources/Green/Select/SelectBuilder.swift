/// Builds the list of cases of ``select(timeout:_:)``.
@resultBuilder
public enum SelectBuilder {
    @inlinable
    public static func buildPartialBlock<First: SelectCase>(first: First) -> First {
        first
    }

    @inlinable
    public static func buildPartialBlock<First: SelectCase, Second: SelectCase>(
        accumulated: First,
        next: Second
    ) -> SelectPair<First, Second> where First.Output == Second.Output {
        SelectPair(first: accumulated, second: next)
    }

    @inlinable
    public static func buildOptional<Wrapped: SelectCase>(_ wrapped: Wrapped?) -> SelectOptional<Wrapped> {
        SelectOptional(wrapped: wrapped)
    }

    @inlinable
    public static func buildEither<First: SelectCase, Second: SelectCase>(
        first: First
    ) -> SelectEither<First, Second> where First.Output == Second.Output {
        .first(first)
    }

    @inlinable
    public static func buildEither<First: SelectCase, Second: SelectCase>(
        second: Second
    ) -> SelectEither<First, Second> where First.Output == Second.Output {
        .second(second)
    }

    @inlinable
    public static func buildArray<Element: SelectCase>(_ elements: [Element]) -> SelectList<Element> {
        SelectList(elements: elements)
    }
}

/// Two cases, or more: each of the two may itself be several.
public struct SelectPair<First: SelectCase, Second: SelectCase>: SelectCase where First.Output == Second.Output {
    @usableFromInline
    let first: First

    @usableFromInline
    let second: Second

    @inlinable
    init(first: First, second: Second) {
        self.first = first
        self.second = second
    }

    @inlinable
    public var extent: SelectExtent { first.extent + second.extent }

    @inlinable
    public func prepare(in place: inout SelectPlace) {
        first.prepare(in: &place)
        second.prepare(in: &place)
    }

    @inlinable
    public func discard(except served: Int, in place: inout SelectPlace) {
        first.discard(except: served, in: &place)
        second.discard(except: served - first.extent.count, in: &place)
    }

    @inlinable
    public func finish(_ served: Int, in place: inout SelectPlace) throws -> First.Output {
        let extent = first.extent
        if served < extent.count {
            return try first.finish(served, in: &place)
        }
        place.advance(by: extent)
        return try second.finish(served - extent.count, in: &place)
    }

    @inlinable
    public func otherwise() throws -> First.Output? {
        try first.otherwise() ?? second.otherwise()
    }
}

/// A case that an `if` switches off.
public struct SelectOptional<Wrapped: SelectCase>: SelectCase {
    @usableFromInline
    let wrapped: Wrapped?

    @inlinable
    init(wrapped: Wrapped?) {
        self.wrapped = wrapped
    }

    @inlinable
    public var extent: SelectExtent { wrapped?.extent ?? SelectExtent() }

    @inlinable
    public func prepare(in place: inout SelectPlace) {
        wrapped?.prepare(in: &place)
    }

    @inlinable
    public func discard(except served: Int, in place: inout SelectPlace) {
        wrapped?.discard(except: served, in: &place)
    }

    @inlinable
    public func finish(_ served: Int, in place: inout SelectPlace) throws -> Wrapped.Output {
        try wrapped!.finish(served, in: &place)
    }

    @inlinable
    public func otherwise() throws -> Wrapped.Output? {
        try wrapped?.otherwise()
    }
}

/// One of two cases, between which an `if` decides.
public enum SelectEither<First: SelectCase, Second: SelectCase>: SelectCase where First.Output == Second.Output {
    case first(First)
    case second(Second)

    @inlinable
    public var extent: SelectExtent {
        switch self {
        case .first(let first): first.extent
        case .second(let second): second.extent
        }
    }

    @inlinable
    public func prepare(in place: inout SelectPlace) {
        switch self {
        case .first(let first): first.prepare(in: &place)
        case .second(let second): second.prepare(in: &place)
        }
    }

    @inlinable
    public func discard(except served: Int, in place: inout SelectPlace) {
        switch self {
        case .first(let first): first.discard(except: served, in: &place)
        case .second(let second): second.discard(except: served, in: &place)
        }
    }

    @inlinable
    public func finish(_ served: Int, in place: inout SelectPlace) throws -> First.Output {
        switch self {
        case .first(let first): try first.finish(served, in: &place)
        case .second(let second): try second.finish(served, in: &place)
        }
    }

    @inlinable
    public func otherwise() throws -> First.Output? {
        switch self {
        case .first(let first): try first.otherwise()
        case .second(let second): try second.otherwise()
        }
    }
}

/// The cases that a `for` makes.
public struct SelectList<Element: SelectCase>: SelectCase {
    @usableFromInline
    let elements: [Element]

    @inlinable
    init(elements: [Element]) {
        self.elements = elements
    }

    @inlinable
    public var extent: SelectExtent {
        elements.reduce(SelectExtent()) { $0 + $1.extent }
    }

    @inlinable
    public func prepare(in place: inout SelectPlace) {
        for element in elements {
            element.prepare(in: &place)
        }
    }

    @inlinable
    public func discard(except served: Int, in place: inout SelectPlace) {
        var served = served
        for element in elements {
            element.discard(except: served, in: &place)
            served -= element.extent.count
        }
    }

    @inlinable
    public func finish(_ served: Int, in place: inout SelectPlace) throws -> Element.Output {
        var served = served
        for element in elements {
            let extent = element.extent
            if served < extent.count {
                return try element.finish(served, in: &place)
            }
            served -= extent.count
            place.advance(by: extent)
        }
        fatalError("the case that was served is one of the list")
    }

    @inlinable
    public func otherwise() throws -> Element.Output? {
        for element in elements {
            if let result = try element.otherwise() {
                return result
            }
        }
        return nil
    }
}
