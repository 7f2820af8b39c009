//! From tokens to the model.

use base::limits::SCHEMA_DEPTH_MAX;

use super::lexer::{Lexer, Token};
use super::model::{
    Enum, EnumConstant, Extend, Extensions, Field, Group, Label, Message, OneOf, OptionElement, OptionValue,
    ProtoFile, Reserved, Rpc, Service, Span, Syntax, TypeElement,
};
use super::options;
use super::scope::is_scalar;
use crate::SchemaError;

/// Parses a file.
pub(super) fn parse(text: &str) -> Result<ProtoFile, SchemaError> {
    let mut parser = Parser { lexer: Lexer::new(text)?, syntax: None };
    let mut file = ProtoFile::default();
    let mut first = true;
    loop {
        if parser.lexer.eat(';')? {
            continue;
        }
        let word = match parser.lexer.next()? {
            Token::End => return Ok(file),
            Token::Word(word) => word,
            other => return Err(parser.lexer.error(&format!("unexpected {}", other.shown()))),
        };
        parser.declaration(&word, &mut file, first)?;
        first = false;
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    syntax: Option<Syntax>,
}

type Parsed<T> = Result<T, SchemaError>;

impl Parser<'_> {
    fn declaration(&mut self, word: &str, file: &mut ProtoFile, first: bool) -> Parsed<()> {
        match word {
            "syntax" => {
                if !first {
                    return Err(self.lexer.error("'syntax' element must be the first declaration in a file"));
                }
                file.syntax = Some(self.syntax()?);
                self.syntax = file.syntax;
            }
            "edition" => {
                return Err(self
                    .lexer
                    .error("editions are not supported; declare syntax = \"proto2\" or \"proto3\""));
            }
            "package" => {
                if file.package.is_some() {
                    return Err(self.lexer.error("too many package names"));
                }
                file.package = Some(self.lexer.word()?);
                self.lexer.expect(';')?;
            }
            "import" => self.import(file)?,
            "option" => file.options.push(self.option_statement()?),
            "message" => file.types.push(TypeElement::Message(self.message(SCHEMA_DEPTH_MAX)?)),
            "enum" => file.types.push(TypeElement::Enum(self.enumeration()?)),
            "service" => file.services.push(self.service()?),
            "extend" => file.extends.push(self.extend()?),
            other => return Err(self.lexer.error(&format!("unexpected label: {other}"))),
        }
        Ok(())
    }

    fn syntax(&mut self) -> Parsed<Syntax> {
        self.lexer.expect('=')?;
        let name = self.lexer.text()?;
        self.lexer.expect(';')?;
        match name.as_str() {
            "proto2" => Ok(Syntax::Proto2),
            "proto3" => Ok(Syntax::Proto3),
            other => Err(self.lexer.error(&format!("unexpected syntax: {other}"))),
        }
    }

    fn import(&mut self, file: &mut ProtoFile) -> Parsed<()> {
        let mut public = false;
        if let Token::Word(word) = self.lexer.peek()? {
            public = word == "public";
            if !(public || word == "weak") {
                let reason = format!("expected a string but was {word}");
                return Err(self.lexer.error(&reason));
            }
            self.lexer.next()?;
        }
        let name = self.lexer.text()?;
        // It is written as it is, so that it must stand between quotes.
        if name.contains(|c: char| c.is_control() || matches!(c, '"' | '\\')) {
            return Err(self.lexer.error("a file cannot have that name"));
        }
        self.lexer.expect(';')?;
        if public {
            file.public_imports.push(name)
        } else {
            file.imports.push(name)
        }
        Ok(())
    }

    fn option_statement(&mut self) -> Parsed<OptionElement> {
        let option = options::option(&mut self.lexer, SCHEMA_DEPTH_MAX)?;
        self.lexer.expect(';')?;
        Ok(option)
    }

    fn message(&mut self, depth: usize) -> Parsed<Message> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.lexer.error("nested too deeply"))?;
        let mut message = Message { name: self.lexer.word()?, ..Message::default() };
        self.lexer.expect('{')?;
        while !self.lexer.eat('}')? {
            if self.lexer.eat(';')? {
                continue;
            }
            let word = self.lexer.word()?;
            match word.as_str() {
                "message" if self.names_type()? => {
                    message.nested.push(TypeElement::Message(self.message(depth)?))
                }
                "enum" if self.names_type()? => message.nested.push(TypeElement::Enum(self.enumeration()?)),
                "extend" if self.names_type()? => message.extends.push(self.extend()?),
                "option" => message.options.push(self.option_statement()?),
                "oneof" => message.oneofs.push(self.oneof()?),
                "reserved" => message.reserved.push(Reserved(self.spans()?)),
                "extensions" => message.extensions.push(self.extensions()?),
                _ => self.member(word, &mut message.fields, &mut message.groups)?,
            }
        }
        Ok(message)
    }

    /// `message`, `enum` and `extend` are words that a type could have too; a name follows them all.
    fn names_type(&mut self) -> Parsed<bool> {
        Ok(matches!(self.lexer.peek()?, Token::Word(_)))
    }

    fn member(&mut self, word: String, fields: &mut Vec<Field>, groups: &mut Vec<Group>) -> Parsed<()> {
        let label = match word.as_str() {
            "required" if self.syntax == Some(Syntax::Proto3) => {
                return Err(self.lexer.error("'required' label forbidden in proto3 field declarations"));
            }
            "required" => Some(Label::Required),
            "optional" => Some(Label::Optional),
            "repeated" => Some(Label::Repeated),
            _ => None,
        };
        let map = word == "map" && *self.lexer.peek()? == Token::Sign('<');
        if label.is_none() && self.syntax != Some(Syntax::Proto3) && !map {
            return Err(self.lexer.error(&format!("unexpected label: {word}")));
        }
        let kind = if label.is_some() { self.lexer.word()? } else { word };
        self.field_or_group(label, kind, fields, groups)
    }

    fn field_or_group(
        &mut self,
        label: Option<Label>,
        kind: String,
        fields: &mut Vec<Field>,
        groups: &mut Vec<Group>,
    ) -> Parsed<()> {
        if kind == "group" && matches!(self.lexer.peek()?, Token::Word(_)) {
            groups.push(self.group(label)?);
        } else {
            let kind = self.data_type(kind)?;
            if kind.starts_with("map<") && label.is_some() {
                return Err(self.lexer.error("'map' type cannot have label"));
            }
            fields.push(self.field(label, kind)?);
        }
        Ok(())
    }

    fn data_type(&mut self, word: String) -> Parsed<String> {
        if word != "map" || !self.lexer.eat('<')? {
            return Ok(word);
        }
        let key = self.lexer.word()?;
        self.lexer.expect(',')?;
        let value = self.lexer.word()?;
        if !is_scalar(&key) || matches!(key.as_str(), "bytes" | "float" | "double") {
            return Err(self
                .lexer
                .error(&format!("map key must be non-byte, non-floating point scalar: {key}")));
        }
        self.lexer.expect('>')?;
        Ok(format!("map<{key}, {value}>"))
    }

    fn field(&mut self, label: Option<Label>, kind: String) -> Parsed<Field> {
        let name = self.lexer.word()?;
        self.lexer.expect('=')?;
        let tag = self.lexer.int()?;
        let mut options = options::bracketed(&mut self.lexer, SCHEMA_DEPTH_MAX)?;
        self.lexer.expect(';')?;
        let default = taken(&mut options, "default");
        let json_name = taken(&mut options, "json_name");
        Ok(Field { label, kind, name, tag, options, default, json_name })
    }

    fn group(&mut self, label: Option<Label>) -> Parsed<Group> {
        let mut group = Group { label, name: self.lexer.word()?, ..Group::default() };
        self.lexer.expect('=')?;
        group.tag = self.lexer.int()?;
        self.lexer.expect('{')?;
        while !self.lexer.eat('}')? {
            if self.lexer.eat(';')? {
                continue;
            }
            let word = self.lexer.word()?;
            let mut inner = Vec::new();
            self.member(word, &mut group.fields, &mut inner)?;
            if !inner.is_empty() {
                return Err(self.lexer.error("a group in a group"));
            }
        }
        Ok(group)
    }

    fn oneof(&mut self) -> Parsed<OneOf> {
        let mut oneof = OneOf { name: self.lexer.word()?, ..OneOf::default() };
        self.lexer.expect('{')?;
        while !self.lexer.eat('}')? {
            if self.lexer.eat(';')? {
                continue;
            }
            let word = self.lexer.word()?;
            if word == "option" {
                oneof.options.push(self.option_statement()?);
            } else {
                self.field_or_group(None, word, &mut oneof.fields, &mut oneof.groups)?;
            }
        }
        Ok(oneof)
    }

    fn spans(&mut self) -> Parsed<Vec<Span>> {
        let mut spans = Vec::new();
        loop {
            if let Token::Text(_) = self.lexer.peek()? {
                spans.push(Span::Name(self.lexer.text()?));
            } else {
                let start = self.lexer.int()?;
                if *self.lexer.peek()? == Token::Word("to".to_owned()) {
                    self.lexer.next()?;
                    if *self.lexer.peek()? == Token::Word("max".to_owned()) {
                        self.lexer.next()?;
                        spans.push(Span::Range(start, i32::MAX));
                    } else {
                        spans.push(Span::Range(start, self.lexer.int()?));
                    }
                } else {
                    spans.push(Span::One(start));
                }
            }
            if self.lexer.eat(';')? {
                return Ok(spans);
            }
            self.lexer.expect(',')?;
        }
    }

    fn extensions(&mut self) -> Parsed<Extensions> {
        let mut spans = Vec::new();
        loop {
            let start = self.lexer.int()?;
            if *self.lexer.peek()? == Token::Word("to".to_owned()) {
                self.lexer.next()?;
                let max = *self.lexer.peek()? == Token::Word("max".to_owned());
                let end = if max { self.lexer.next().map(|_| i32::MAX)? } else { self.lexer.int()? };
                spans.push(Span::Range(start, end));
            } else {
                spans.push(Span::One(start));
            }
            let options = options::bracketed(&mut self.lexer, SCHEMA_DEPTH_MAX)?;
            if self.lexer.eat(';')? {
                return Ok(Extensions { spans, options });
            }
            self.lexer.expect(',')?;
        }
    }

    fn extend(&mut self) -> Parsed<Extend> {
        let mut extend = Extend { name: self.lexer.word()?, fields: Vec::new() };
        self.lexer.expect('{')?;
        while !self.lexer.eat('}')? {
            if self.lexer.eat(';')? {
                continue;
            }
            let word = self.lexer.word()?;
            let mut groups = Vec::new();
            self.member(word, &mut extend.fields, &mut groups)?;
        }
        Ok(extend)
    }

    fn enumeration(&mut self) -> Parsed<Enum> {
        let mut element = Enum { name: self.lexer.word()?, ..Enum::default() };
        self.lexer.expect('{')?;
        while !self.lexer.eat('}')? {
            if self.lexer.eat(';')? {
                continue;
            }
            let word = self.lexer.word()?;
            let assigned = *self.lexer.peek()? == Token::Sign('=');
            match word.as_str() {
                "option" if !assigned => element.options.push(self.option_statement()?),
                "reserved" if !assigned => element.reserved.push(Reserved(self.spans()?)),
                _ => element.constants.push(self.constant(word)?),
            }
        }
        Ok(element)
    }

    fn constant(&mut self, name: String) -> Parsed<EnumConstant> {
        self.lexer.expect('=')?;
        let tag = self.lexer.int()?;
        let options = options::bracketed(&mut self.lexer, SCHEMA_DEPTH_MAX)?;
        self.lexer.expect(';')?;
        Ok(EnumConstant { name, tag, options })
    }

    fn service(&mut self) -> Parsed<Service> {
        let mut service = Service { name: self.lexer.word()?, ..Service::default() };
        self.lexer.expect('{')?;
        while !self.lexer.eat('}')? {
            if self.lexer.eat(';')? {
                continue;
            }
            match self.lexer.word()?.as_str() {
                "option" => service.options.push(self.option_statement()?),
                "rpc" => service.rpcs.push(self.rpc()?),
                other => return Err(self.lexer.error(&format!("unexpected label: {other}"))),
            }
        }
        Ok(service)
    }

    fn rpc(&mut self) -> Parsed<Rpc> {
        let mut rpc = Rpc { name: self.lexer.word()?, ..Rpc::default() };
        (rpc.request_streams, rpc.request) = self.rpc_type()?;
        if self.lexer.word()? != "returns" {
            return Err(self.lexer.error("expected 'returns'"));
        }
        (rpc.response_streams, rpc.response) = self.rpc_type()?;
        if self.lexer.eat('{')? {
            while !self.lexer.eat('}')? {
                if self.lexer.eat(';')? {
                    continue;
                }
                match self.lexer.word()?.as_str() {
                    "option" => rpc.options.push(self.option_statement()?),
                    other => return Err(self.lexer.error(&format!("unexpected label: {other}"))),
                }
            }
            self.lexer.eat(';')?;
        } else {
            self.lexer.expect(';')?;
        }
        Ok(rpc)
    }

    fn rpc_type(&mut self) -> Parsed<(bool, String)> {
        self.lexer.expect('(')?;
        let word = self.lexer.word()?;
        let streams = word == "stream" && *self.lexer.peek()? != Token::Sign(')');
        let name = if streams { self.lexer.word()? } else { word };
        self.lexer.expect(')')?;
        Ok((streams, name))
    }
}

/// Takes a plain option out of a field's options: `default` and `json_name` have places of their own.
fn taken(options: &mut Vec<OptionElement>, name: &str) -> Option<String> {
    let at = options.iter().position(|option| option.name == name && !option.parenthesized)?;
    match options.remove(at).value {
        OptionValue::Text(text) | OptionValue::Word(_, text) => Some(text),
        OptionValue::Map(_) | OptionValue::List(_) => None,
    }
}
