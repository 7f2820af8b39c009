//! Options: what stands after `option` and in brackets, with values in text format.

use super::lexer::{Lexer, Token};
use super::model::{OptionElement, OptionValue, WordKind};
use crate::SchemaError;

/// `[a = 1, (b).c = 2]`, if it comes next.
pub(super) fn bracketed(lexer: &mut Lexer<'_>, depth: usize) -> Result<Vec<OptionElement>, SchemaError> {
    let mut options = Vec::new();
    if !lexer.eat('[')? {
        return Ok(options);
    }
    loop {
        options.push(option(lexer, depth)?);
        if lexer.eat(']')? {
            return Ok(options);
        }
        lexer.expect(',')?;
    }
}

/// `name = value`.
pub(super) fn option(lexer: &mut Lexer<'_>, depth: usize) -> Result<OptionElement, SchemaError> {
    let parenthesized = *lexer.peek()? == Token::Sign('(');
    let name = name(lexer)?;
    let mut path = Vec::new();
    // `(a).b` reads as a parenthesis and a word that begins with a dot.
    if let Token::Word(word) = lexer.peek()?
        && let Some(parts) = word.strip_prefix('.')
    {
        path = parts.split('.').map(str::to_owned).collect();
        lexer.next()?;
    }
    // Normalized, each part is a message around the rest.
    let depth = depth.checked_sub(path.len()).ok_or_else(|| lexer.error("nested too deeply"))?;
    lexer.expect('=')?;
    let value = value(lexer, depth)?;
    Ok(OptionElement { name, parenthesized, path, value })
}

fn name(lexer: &mut Lexer<'_>) -> Result<String, SchemaError> {
    if lexer.eat('(')? {
        let word = lexer.word()?;
        lexer.expect(')')?;
        return Ok(word);
    }
    lexer.word()
}

fn value(lexer: &mut Lexer<'_>, depth: usize) -> Result<OptionValue, SchemaError> {
    let depth = depth.checked_sub(1).ok_or_else(|| lexer.error("nested too deeply"))?;
    match lexer.peek()? {
        Token::Sign('{') => map(lexer, '}', depth),
        Token::Sign('<') => map(lexer, '>', depth),
        Token::Sign('[') => list(lexer, depth),
        Token::Text(_) => lexer.text().map(OptionValue::Text),
        _ => {
            let word = lexer.word()?;
            let kind = match word.as_bytes().first() {
                _ if word == "true" || word == "false" => WordKind::Boolean,
                Some(b'-' | b'.' | b'0'..=b'9') => WordKind::Number,
                _ => WordKind::Enum,
            };
            Ok(OptionValue::Word(kind, word))
        }
    }
}

fn list(lexer: &mut Lexer<'_>, depth: usize) -> Result<OptionValue, SchemaError> {
    lexer.expect('[')?;
    let mut values = Vec::new();
    while !lexer.eat(']')? {
        values.push(value(lexer, depth)?);
        if !lexer.eat(',')? {
            lexer.expect(']')?;
            break;
        }
    }
    Ok(OptionValue::List(values))
}

/// `{ key: value, key { … } [ext.name]: value }`; a key that comes again makes a list.
fn map(lexer: &mut Lexer<'_>, close: char, depth: usize) -> Result<OptionValue, SchemaError> {
    lexer.next()?;
    let mut entries: Vec<(String, OptionValue)> = Vec::new();
    let mut places: std::collections::BTreeMap<String, usize> = std::collections::BTreeMap::new();
    while !lexer.eat(close)? {
        let key = if lexer.eat('[')? {
            let name = lexer.word()?;
            lexer.expect(']')?;
            format!("[{name}]")
        } else {
            lexer.word()?
        };
        let message = matches!(lexer.peek()?, Token::Sign('{' | '<'));
        if !message {
            lexer.expect(':')?;
        }
        let value = value(lexer, depth)?;
        match places.get(&key).and_then(|at| entries.get_mut(*at)) {
            Some((_, earlier)) => gather(earlier, value),
            None => {
                places.insert(key.clone(), entries.len());
                entries.push((key, value));
            }
        }
        if !lexer.eat(',')? {
            lexer.eat(';')?;
        }
    }
    Ok(OptionValue::Map(entries))
}

fn gather(earlier: &mut OptionValue, value: OptionValue) {
    if !matches!(earlier, OptionValue::List(_)) {
        let first = core::mem::replace(earlier, OptionValue::List(Vec::new()));
        *earlier = OptionValue::List(vec![first]);
    }
    if let OptionValue::List(list) = earlier {
        match value {
            OptionValue::List(more) => list.extend(more),
            value => list.push(value),
        }
    }
}
