//! Values as Go's reflection sees them: the same digits are another type in `int`, `int64` and `json.Number`, and a template
//! notices.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::json::Json;
use crate::moment::Moment;
use crate::text::Text;

/// Walks over nested values stop here; deeper data is refused.
pub(crate) const MAX_DEPTH: usize = 200;

/// Go's sized integers as far as templates meet them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum IntType {
    Int,
    Int64,
}

/// Go's unsigned integers as far as templates meet them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum UintType {
    Uint8,
    Uint64,
}

/// A value of a template. May be secret: no `Debug`.
#[derive(Clone)]
pub(crate) enum Value<'a> {
    /// No value at all: prints `<no value>`.
    Invalid,
    /// An interface that holds nothing: what a missing key gives before a pipeline looks into it.
    NilInterface,
    /// A pointer to nothing, with the type it would point to.
    NilPointer(&'static str),
    Bool(bool),
    Float(f64),
    Int(i64, IntType),
    List(Rc<List<'a>>),
    /// What `loop` gives: the next number and the end. Reading takes from it, as from Go's channel.
    Loop(Rc<Cell<(i64, i64)>>),
    Map(Rc<Map<'a>>),
    /// Go's `json.Number`: a string kind that holds digits.
    Number(Text<'a>),
    Record(Rc<Record<'a>>),
    Scratch,
    Text(Text<'a>),
    Time(Moment),
    Uint(u64, UintType),
}

/// The element type of a list.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ListType {
    Any,
    Int,
    Lists,
    Text,
}

/// A Go slice.
pub(crate) struct List<'a> {
    pub(crate) of: ListType,
    /// A slice that was never made; prints as an empty one, encodes as `null`.
    pub(crate) is_nil: bool,
    pub(crate) items: Vec<Value<'a>>,
}

/// The types of a map's keys and values.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum MapType {
    /// `map[string]interface {}`
    Any,
    /// `map[interface {}]interface {}`, from YAML.
    Keyed,
    /// `map[string]string`
    Text,
}

/// A map key; the order is the one `range` follows, over the types as OpenBao's binary has them.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Key<'a> {
    Nil,
    Text(Text<'a>),
    Uint(u64),
    Int(i64),
    Float(Float),
    Bool(bool),
}

/// A float with an order.
#[derive(Clone, Copy)]
pub(crate) struct Float(pub(crate) f64);

impl Ord for Float {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Float {}

/// A Go map; `set` and its family change it in place and every holder sees it.
pub(crate) struct Map<'a> {
    pub(crate) of: MapType,
    pub(crate) is_nil: bool,
    pub(crate) entries: RefCell<BTreeMap<Key<'a>, Value<'a>>>,
}

/// A Go struct.
pub(crate) struct Record<'a> {
    pub(crate) type_name: &'static str,
    /// The template holds a pointer to it.
    pub(crate) is_pointer: bool,
    pub(crate) fields: Vec<(&'static str, Value<'a>)>,
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: impl Into<Text<'a>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn int(number: i64) -> Self {
        Self::Int(number, IntType::Int)
    }

    pub(crate) fn int64(number: i64) -> Self {
        Self::Int(number, IntType::Int64)
    }

    pub(crate) fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List { of: ListType::Any, is_nil: false, items }))
    }

    pub(crate) fn list_of(of: ListType, items: Vec<Self>) -> Self {
        Self::List(Rc::new(List { of, is_nil: false, items }))
    }

    pub(crate) fn texts(items: impl IntoIterator<Item = Text<'a>>) -> Self {
        Self::list_of(ListType::Text, items.into_iter().map(Self::Text).collect())
    }

    pub(crate) fn nil_list(of: ListType) -> Self {
        Self::List(Rc::new(List { of, is_nil: true, items: Vec::new() }))
    }

    pub(crate) fn map(of: MapType, entries: BTreeMap<Key<'a>, Self>) -> Self {
        Self::Map(Rc::new(Map { of, is_nil: false, entries: RefCell::new(entries) }))
    }

    pub(crate) fn nil_map(of: MapType) -> Self {
        Self::Map(Rc::new(Map { of, is_nil: true, entries: RefCell::default() }))
    }

    pub(crate) fn record(type_name: &'static str, is_pointer: bool, fields: Vec<(&'static str, Self)>) -> Self {
        Self::Record(Rc::new(Record { type_name, is_pointer, fields }))
    }

    /// JSON as the API client decodes it: numbers stay digits.
    pub(crate) fn from_json(json: &'a Json) -> Self {
        match json {
            Json::Array(items) => Self::list(items.iter().map(Self::from_json).collect()),
            Json::Bool(truth) => Self::Bool(*truth),
            Json::Null => Self::NilInterface,
            Json::Number(digits) => Self::Number(digits.as_str().into()),
            Json::Object(members) => {
                let entries =
                    members.iter().map(|(key, value)| (Key::Text(key.as_str().into()), Self::from_json(value)));
                Self::map(MapType::Any, entries.collect())
            }
            Json::String(text) => Self::text(text.as_str()),
        }
    }

    /// Is there nothing in it: no value or an empty interface?
    pub(crate) fn is_nothing(&self) -> bool {
        matches!(self, Self::Invalid | Self::NilInterface)
    }

    /// What a pipeline makes of an interface: an empty one is no value.
    pub(crate) fn dug(self) -> Self {
        match self {
            Self::NilInterface => Self::Invalid,
            value => value,
        }
    }

    /// Go's truth: not zero, not empty, not nil.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Invalid | Self::NilInterface | Self::NilPointer(_) => false,
            Self::Bool(truth) => *truth,
            Self::Float(number) => *number != 0.0,
            Self::Int(number, _) => *number != 0,
            Self::Uint(number, _) => *number != 0,
            Self::List(list) => !list.items.is_empty(),
            Self::Map(map) => !map.entries.borrow().is_empty(),
            Self::Number(text) | Self::Text(text) => !text.is_empty(),
            Self::Loop(_) | Self::Record(_) | Self::Scratch | Self::Time(_) => true,
        }
    }

    /// Text of a string kind, `json.Number` included.
    pub(crate) fn string_kind(&self) -> Option<&Text<'a>> {
        match self {
            Self::Number(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Go's name of the type.
    pub(crate) fn type_name(&self) -> &'static str {
        match self {
            Self::Invalid | Self::NilInterface => "<nil>",
            Self::NilPointer(name) => name,
            Self::Bool(_) => "bool",
            Self::Float(_) => "float64",
            Self::Int(_, IntType::Int) => "int",
            Self::Int(_, IntType::Int64) => "int64",
            Self::Uint(_, UintType::Uint8) => "uint8",
            Self::Uint(_, UintType::Uint64) => "uint64",
            Self::List(list) => match list.of {
                ListType::Any => "[]interface {}",
                ListType::Int => "[]int",
                ListType::Lists => "[][]interface {}",
                ListType::Text => "[]string",
            },
            Self::Loop(_) => "<-chan int64",
            Self::Map(map) => match map.of {
                MapType::Any => "map[string]interface {}",
                MapType::Keyed => "map[interface {}]interface {}",
                MapType::Text => "map[string]string",
            },
            Self::Number(_) => "json.Number",
            Self::Record(record) => record.type_name,
            Self::Scratch => "*template.Scratch",
            Self::Text(_) => "string",
            Self::Time(_) => "time.Time",
        }
    }

    /// Go's name of the kind.
    pub(crate) fn kind_name(&self) -> &'static str {
        match self {
            Self::Invalid | Self::NilInterface => "invalid",
            Self::NilPointer(_) | Self::Scratch => "ptr",
            Self::List(_) => "slice",
            Self::Loop(_) => "chan",
            Self::Map(_) => "map",
            Self::Number(_) | Self::Text(_) => "string",
            Self::Record(record) if record.is_pointer => "ptr",
            Self::Record(_) | Self::Time(_) => "struct",
            Self::Bool(_) | Self::Float(_) | Self::Int(..) | Self::Uint(..) => self.type_name(),
        }
    }
}

impl<'a> Key<'a> {
    /// The key as a value.
    pub(crate) fn value(&self) -> Value<'a> {
        match self {
            Self::Nil => Value::NilInterface,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Int(number) => Value::int(*number),
            Self::Uint(number) => Value::Uint(*number, UintType::Uint64),
            Self::Float(number) => Value::Float(number.0),
            Self::Text(text) => Value::Text(text.clone()),
        }
    }
}

impl<'a> Map<'a> {
    /// The entry of a text key.
    pub(crate) fn get(&self, key: Text<'a>) -> Option<Value<'a>> {
        self.entries.borrow().get(&Key::Text(key)).cloned()
    }
}

/// Drops nested lists one after the other: a list in a list in a list ... would use up the stack otherwise.
impl Drop for List<'_> {
    fn drop(&mut self) {
        drop_flat(std::mem::take(&mut self.items));
    }
}

impl Drop for Map<'_> {
    fn drop(&mut self) {
        drop_flat(std::mem::take(&mut *self.entries.borrow_mut()).into_values().collect());
    }
}

fn drop_flat(mut pending: Vec<Value<'_>>) {
    while let Some(value) = pending.pop() {
        match value {
            Value::List(list) => {
                if let Some(mut list) = Rc::into_inner(list) {
                    pending.append(&mut list.items);
                }
            }
            Value::Map(map) => {
                if let Some(map) = Rc::into_inner(map) {
                    pending.extend(std::mem::take(&mut *map.entries.borrow_mut()).into_values());
                }
            }
            _ => {}
        }
    }
}
