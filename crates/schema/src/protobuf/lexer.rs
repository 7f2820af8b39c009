//! Words, strings and signs of `.proto` text; comments are passed over.

use base::limits::SCHEMA_TEXT_BYTES_MAX;

use crate::SchemaError;

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// Letters, digits, `_`, `.`, `-`, and `+` in an exponent.
    Word(String),
    /// A string, unescaped.
    Text(String),
    /// A single sign.
    Sign(char),
    /// The end of the text.
    End,
}

impl Token {
    /// As it is shown in a message.
    pub fn shown(&self) -> String {
        match self {
            Self::Word(word) => word.clone(),
            Self::Text(text) => format!("\"{text}\""),
            Self::Sign(sign) => sign.to_string(),
            Self::End => "end of file".to_owned(),
        }
    }
}

/// The text as a stream of tokens with one token of look-ahead.
pub(super) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    ahead: Option<(Token, (usize, usize))>,
    place: (usize, usize),
}

impl<'a> Lexer<'a> {
    pub fn new(text: &'a str) -> Result<Self, SchemaError> {
        let lexer = Self { text, at: 0, line: 1, line_start: 0, ahead: None, place: (1, 1) };
        if text.len() > SCHEMA_TEXT_BYTES_MAX {
            return Err(lexer.error("text too long"));
        }
        Ok(lexer)
    }

    /// An error where the last token stood.
    pub fn error(&self, reason: &str) -> SchemaError {
        SchemaError::new(format!("Syntax error in :{}:{}: {reason}", self.place.0, self.place.1))
    }

    /// The next token, which stays.
    pub fn peek(&mut self) -> Result<&Token, SchemaError> {
        if self.ahead.is_none() {
            let token = self.read()?;
            self.ahead = Some(token);
        }
        Ok(self.ahead.as_ref().map_or(&Token::End, |(token, _)| token))
    }

    /// The next token.
    pub fn next(&mut self) -> Result<Token, SchemaError> {
        let (token, place) = match self.ahead.take() {
            Some(token) => token,
            None => self.read()?,
        };
        self.place = place;
        Ok(token)
    }

    /// Takes the sign if it comes next.
    pub fn eat(&mut self, sign: char) -> Result<bool, SchemaError> {
        let found = *self.peek()? == Token::Sign(sign);
        if found {
            self.next()?;
        }
        Ok(found)
    }

    pub fn expect(&mut self, sign: char) -> Result<(), SchemaError> {
        match self.next()? {
            Token::Sign(found) if found == sign => Ok(()),
            other => Err(self.error(&format!("expected '{sign}' but was {}", other.shown()))),
        }
    }

    pub fn word(&mut self) -> Result<String, SchemaError> {
        match self.next()? {
            Token::Word(word) => Ok(word),
            other => Err(self.error(&format!("expected a word but was {}", other.shown()))),
        }
    }

    /// A string, or several beside each other, which are one.
    pub fn text(&mut self) -> Result<String, SchemaError> {
        match self.next()? {
            Token::Text(mut text) => {
                while let Token::Text(_) = self.peek()? {
                    if let Token::Text(more) = self.next()? {
                        text.push_str(&more);
                    }
                }
                Ok(text)
            }
            other => Err(self.error(&format!("expected a string but was {}", other.shown()))),
        }
    }

    /// A whole number: decimal, or hexadecimal after `0x`.
    pub fn int(&mut self) -> Result<i32, SchemaError> {
        let word = self.word()?;
        let parsed = match word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
            Some(digits) => i32::from_str_radix(digits, 16),
            None => word.parse(),
        };
        parsed.map_err(|_| self.error(&format!("expected an integer but was {word}")))
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn read(&mut self) -> Result<(Token, (usize, usize)), SchemaError> {
        self.skip()?;
        let place = (self.line, self.at - self.line_start + 1);
        self.place = place;
        let Some(c) = self.rest().chars().next() else { return Ok((Token::End, place)) };
        let token = match c {
            '"' | '\'' => self.string(c)?,
            c if is_word(c) => self.read_word(),
            c => {
                self.at += c.len_utf8();
                Token::Sign(c)
            }
        };
        Ok((token, place))
    }

    fn read_word(&mut self) -> Token {
        let rest = self.rest();
        let mut end = 0;
        let mut last = ' ';
        for c in rest.chars() {
            let exponent = c == '+'
                && matches!(last, 'e' | 'E')
                && rest.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            if !(is_word(c) || exponent) {
                break;
            }
            end += c.len_utf8();
            last = c;
        }
        self.at += end;
        Token::Word(rest.get(..end).unwrap_or("").to_owned())
    }

    fn skip(&mut self) -> Result<(), SchemaError> {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") || rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(body) = rest.strip_prefix("/*") {
                let end = body.find("*/").ok_or_else(|| self.error("unterminated comment"))?;
                self.advance(end + 4);
            } else {
                match rest.chars().next() {
                    Some(c) if c.is_whitespace() || c == '\u{feff}' => self.advance(c.len_utf8()),
                    _ => return Ok(()),
                }
            }
        }
    }

    /// Moves on, counting lines.
    fn advance(&mut self, bytes: usize) {
        let passed = self.text.get(self.at..self.at + bytes).unwrap_or("");
        if let Some(last) = passed.rfind('\n') {
            self.line += passed.matches('\n').count();
            self.line_start = self.at + last + 1;
        }
        self.at += bytes;
    }

    fn string(&mut self, quote: char) -> Result<Token, SchemaError> {
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let c = self.rest().chars().next().ok_or_else(|| self.error("unterminated string"))?;
            self.at += c.len_utf8();
            match c {
                c if c == quote => break,
                '\n' => return Err(self.error("unterminated string")),
                '\\' => self.escape(&mut bytes)?,
                c => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }
        }
        Ok(Token::Text(String::from_utf8_lossy(&bytes).into_owned()))
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), SchemaError> {
        let c = self.rest().chars().next().ok_or_else(|| self.error("unterminated string"))?;
        self.at += c.len_utf8();
        match c {
            'a' => out.push(7),
            'b' => out.push(8),
            'f' => out.push(12),
            'n' => out.push(b'\n'),
            'r' => out.push(b'\r'),
            't' => out.push(b'\t'),
            'v' => out.push(11),
            'x' | 'X' => self.code(16, 2, out)?,
            '0'..='7' => {
                self.at -= 1;
                self.code(8, 3, out)?;
            }
            c => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
        Ok(())
    }

    /// A character by its code: Unicode below U+0100, as the registry's parser reads it.
    fn code(&mut self, radix: u32, digits_max: usize, out: &mut Vec<u8>) -> Result<(), SchemaError> {
        let digits: String = self.rest().chars().take(digits_max).take_while(|c| c.is_digit(radix)).collect();
        let code = u32::from_str_radix(&digits, radix).map_err(|_| self.error("expected a digit"))?;
        self.at += digits.len();
        let c = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}
