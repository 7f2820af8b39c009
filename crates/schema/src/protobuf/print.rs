//! The registry's text of a Protobuf schema: sections in a fixed order, two spaces to a level, comments dropped.
//!
//! A blank line stands before every section of a message but its first; inside a nested message it carries that message's
//! indentation. The hash of the text is the schema's identity, so these spaces matter.

use super::model::{
    Enum, EnumConstant, Extend, Extensions, Field, Group, Message, OneOf, OptionElement, OptionValue,
    ProtoFile, Rpc, Service, Span, Syntax, TypeElement, WordKind,
};
use super::printed::Text;
use crate::SchemaError;

/// The largest field number.
pub(super) const TAG_MAX: i32 = 536_870_911;

/// The file as text.
pub(super) fn print(file: &ProtoFile) -> Result<String, SchemaError> {
    let mut printer = Printer { out: Text::default(), level: 0 };
    printer.file(file)?;
    printer.out.check()?;
    Ok(printer.out.text)
}

struct Printer {
    out: Text,
    level: usize,
}

type Printed = Result<(), SchemaError>;

impl Printer {
    /// Starts a line.
    fn begin(&mut self) {
        for _ in 0..self.level {
            self.out.push_str("  ");
        }
    }

    fn line(&mut self, text: &str) {
        self.begin();
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Ends the header's line before the first section of a block, or leaves a line blank before a later one.
    fn section(&mut self, first: &mut bool) {
        if !*first {
            self.begin();
        }
        *first = false;
        self.out.push('\n');
    }

    fn inside(&mut self, print: impl FnOnce(&mut Self) -> Printed) -> Printed {
        self.out.check()?;
        self.level += 1;
        let printed = print(self);
        self.level -= 1;
        printed
    }

    /// Closes a block whose header's line may still be open.
    fn close(&mut self, empty: bool) {
        if !empty {
            self.begin();
        }
        self.out.push_str("}\n");
    }

    fn file(&mut self, file: &ProtoFile) -> Printed {
        match file.syntax {
            Some(Syntax::Proto2) => self.line("syntax = \"proto2\";"),
            Some(Syntax::Proto3) => self.line("syntax = \"proto3\";"),
            None => {}
        }
        if let Some(package) = &file.package {
            self.line(&format!("package {package};"));
        }
        if !(file.imports.is_empty() && file.public_imports.is_empty()) {
            self.out.push('\n');
            for import in &file.imports {
                self.line(&format!("import \"{import}\";"));
            }
            for import in &file.public_imports {
                self.line(&format!("import public \"{import}\";"));
            }
        }
        if !file.options.is_empty() {
            self.out.push('\n');
            self.option_statements(&file.options);
        }
        if !file.types.is_empty() {
            self.out.push('\n');
            self.types(&file.types)?;
        }
        if !file.extends.is_empty() {
            self.out.push('\n');
            self.extends(&file.extends)?;
        }
        if !file.services.is_empty() {
            self.out.push('\n');
            for service in &file.services {
                self.service(service)?;
            }
        }
        Ok(())
    }

    /// Messages first, then enums.
    fn types(&mut self, types: &[TypeElement]) -> Printed {
        for element in types {
            if let TypeElement::Message(message) = element {
                self.message(message)?;
            }
        }
        for element in types {
            if let TypeElement::Enum(element) = element {
                self.enumeration(element)?;
            }
        }
        Ok(())
    }

    fn message(&mut self, message: &Message) -> Printed {
        self.begin();
        self.out.push_str(&format!("message {} {{", message.name));
        let mut first = true;
        if !message.reserved.is_empty() {
            self.section(&mut first);
            for reserved in &message.reserved {
                self.spans("reserved", &reserved.0, &[])?;
            }
        }
        if !message.options.is_empty() {
            self.section(&mut first);
            self.inside(|p| {
                p.option_statements(&message.options);
                Ok(())
            })?;
        }
        if !message.fields.is_empty() {
            self.section(&mut first);
            self.inside(|p| p.fields(&message.fields))?;
        }
        if !message.oneofs.is_empty() {
            self.section(&mut first);
            self.inside(|p| message.oneofs.iter().try_for_each(|oneof| p.oneof(oneof)))?;
        }
        if !message.groups.is_empty() {
            self.section(&mut first);
            self.inside(|p| message.groups.iter().try_for_each(|group| p.group(group)))?;
        }
        if !message.extensions.is_empty() {
            self.section(&mut first);
            for Extensions { spans, options } in &message.extensions {
                self.spans("extensions", spans, options)?;
            }
        }
        if !message.extends.is_empty() {
            self.section(&mut first);
            self.inside(|p| p.extends(&message.extends))?;
        }
        if !message.nested.is_empty() {
            self.section(&mut first);
            self.inside(|p| p.types(&message.nested))?;
        }
        self.close(first);
        Ok(())
    }

    fn fields(&mut self, fields: &[Field]) -> Printed {
        for field in fields {
            self.field(field)?;
        }
        Ok(())
    }

    fn field(&mut self, field: &Field) -> Printed {
        self.begin();
        if let Some(label) = field.label {
            self.out.push_str(label.word());
            self.out.push(' ');
        }
        self.out.push_str(&format!("{} {} = {}", field.kind, field.name, field.tag));
        let mut options = field.options.clone();
        let plain = |name: &str, value| OptionElement {
            name: name.to_owned(),
            parenthesized: false,
            path: Vec::new(),
            value,
        };
        if let Some(default) = &field.default {
            options.push(plain("default", default_value(&field.kind, default)));
        }
        if let Some(name) = &field.json_name {
            options.push(plain("json_name", OptionValue::Text(name.clone())));
        }
        self.bracketed(&options);
        self.out.push_str(";\n");
        Ok(())
    }

    fn oneof(&mut self, oneof: &OneOf) -> Printed {
        self.begin();
        self.out.push_str(&format!("oneof {} {{", oneof.name));
        let mut first = true;
        if !oneof.options.is_empty() {
            self.section(&mut first);
            self.inside(|p| {
                p.option_statements(&oneof.options);
                Ok(())
            })?;
        }
        if !oneof.fields.is_empty() {
            self.section(&mut first);
            self.inside(|p| p.fields(&oneof.fields))?;
        }
        if !oneof.groups.is_empty() {
            self.section(&mut first);
            self.inside(|p| oneof.groups.iter().try_for_each(|group| p.group(group)))?;
        }
        self.close(first);
        Ok(())
    }

    fn group(&mut self, group: &Group) -> Printed {
        self.begin();
        if let Some(label) = group.label {
            self.out.push_str(label.word());
            self.out.push(' ');
        }
        self.out.push_str(&format!("group {} = {} {{", group.name, group.tag));
        self.field_block(&group.fields)
    }

    fn extends(&mut self, extends: &[Extend]) -> Printed {
        for extend in extends {
            self.begin();
            self.out.push_str(&format!("extend {} {{", extend.name));
            self.field_block(&extend.fields)?;
        }
        Ok(())
    }

    fn field_block(&mut self, fields: &[Field]) -> Printed {
        let mut first = true;
        if !fields.is_empty() {
            self.section(&mut first);
            self.inside(|p| p.fields(fields))?;
        }
        self.close(first);
        Ok(())
    }

    fn spans(&mut self, word: &str, spans: &[Span], options: &[OptionElement]) -> Printed {
        self.inside(|p| {
            p.begin();
            let texts: Vec<String> = spans.iter().map(span).collect();
            p.out.push_str(&format!("{word} {}", texts.join(", ")));
            p.bracketed(options);
            p.out.push_str(";\n");
            Ok(())
        })
    }

    fn enumeration(&mut self, element: &Enum) -> Printed {
        self.begin();
        self.out.push_str(&format!("enum {} {{", element.name));
        let empty = element.reserved.is_empty() && element.options.is_empty() && element.constants.is_empty();
        if !empty {
            self.out.push('\n');
        }
        for reserved in &element.reserved {
            self.spans("reserved", &reserved.0, &[])?;
        }
        self.inside(|p| {
            p.option_statements(&element.options);
            for EnumConstant { name, tag, options } in &element.constants {
                p.begin();
                p.out.push_str(&format!("{name} = {tag}"));
                p.bracketed(options);
                p.out.push_str(";\n");
            }
            Ok(())
        })?;
        self.close(empty);
        Ok(())
    }

    fn service(&mut self, service: &Service) -> Printed {
        self.begin();
        self.out.push_str(&format!("service {} {{", service.name));
        let mut first = true;
        if !service.options.is_empty() {
            self.section(&mut first);
            self.inside(|p| {
                p.option_statements(&service.options);
                Ok(())
            })?;
        }
        if !service.rpcs.is_empty() {
            self.section(&mut first);
            self.inside(|p| {
                for rpc in &service.rpcs {
                    p.rpc(rpc)?;
                }
                Ok(())
            })?;
        }
        self.close(first);
        Ok(())
    }

    fn rpc(&mut self, rpc: &Rpc) -> Printed {
        self.begin();
        let stream = |streams: bool| if streams { "stream " } else { "" };
        self.out.push_str(&format!(
            "rpc {} ({}{}) returns ({}{})",
            rpc.name,
            stream(rpc.request_streams),
            rpc.request,
            stream(rpc.response_streams),
            rpc.response
        ));
        if !rpc.options.is_empty() {
            self.out.push_str(" {\n");
            self.inside(|p| {
                p.option_statements(&rpc.options);
                Ok(())
            })?;
            self.begin();
            self.out.push('}');
        }
        self.out.push_str(";\n");
        Ok(())
    }

    fn option_statements(&mut self, options: &[OptionElement]) {
        for option in options {
            self.begin();
            self.out.push_str("option ");
            self.option(option);
            self.out.push_str(";\n");
        }
    }

    /// ` [option]`, one to a line when there are several.
    fn bracketed(&mut self, options: &[OptionElement]) {
        match options {
            [] => {}
            [only] => {
                self.out.push_str(" [");
                self.option(only);
                self.out.push(']');
            }
            several => {
                self.out.push_str(" [\n");
                self.level += 1;
                for (i, option) in several.iter().enumerate() {
                    self.begin();
                    self.option(option);
                    self.out.push_str(if i + 1 < several.len() { ",\n" } else { "\n" });
                }
                self.level -= 1;
                self.begin();
                self.out.push(']');
            }
        }
    }

    fn option(&mut self, option: &OptionElement) {
        if option.parenthesized {
            self.out.push_str(&format!("({})", option.name));
        } else {
            self.out.push_str(&option.name);
        }
        for part in &option.path {
            self.out.push('.');
            self.out.push_str(part);
        }
        self.out.push_str(" = ");
        match &option.value {
            OptionValue::List(list) if list.len() == 1 => {
                self.out.push('[');
                list.iter().for_each(|value| self.value(value));
                self.out.push(']');
            }
            value => self.value(value),
        }
    }

    fn value(&mut self, value: &OptionValue) {
        match value {
            OptionValue::Text(text) => self.out.push_str(&quoted(text)),
            OptionValue::Word(_, word) => self.out.push_str(word),
            OptionValue::Map(entries) => {
                self.out.push_str("{\n");
                self.level += 1;
                for (i, (key, value)) in entries.iter().enumerate() {
                    self.begin();
                    self.out.push_str(key);
                    self.out.push_str(": ");
                    self.value(value);
                    self.out.push_str(if i + 1 < entries.len() { ",\n" } else { "\n" });
                }
                self.level -= 1;
                self.begin();
                self.out.push('}');
            }
            OptionValue::List(list) => {
                self.out.push_str("[\n");
                self.level += 1;
                for (i, value) in list.iter().enumerate() {
                    self.begin();
                    self.value(value);
                    self.out.push_str(if i + 1 < list.len() { ",\n" } else { "\n" });
                }
                self.level -= 1;
                self.begin();
                self.out.push(']');
            }
        }
    }
}

/// A default is text for strings and a word for everything else.
fn default_value(kind: &str, default: &str) -> OptionValue {
    match kind {
        "string" => OptionValue::Text(default.to_owned()),
        _ => OptionValue::Word(WordKind::Enum, default.to_owned()),
    }
}

fn span(span: &Span) -> String {
    match span {
        Span::One(number) => number.to_string(),
        Span::Range(start, end) if *end >= TAG_MAX => format!("{start} to max"),
        Span::Range(start, end) => format!("{start} to {end}"),
        Span::Name(name) => format!("\"{name}\""),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
