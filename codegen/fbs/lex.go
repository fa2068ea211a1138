package fbs

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind of token. Punctuation is its own byte.
type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokIdent
	tokInt
	tokFloat
	tokString
)

// token is one word of the language.
type token struct {
	pos  Pos
	kind tokenKind // or a byte of punctuation
	text string    // as written
	str  string    // what a string says
	doc  []string  // the doc comment before it
}

// String describes the token in an error.
func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "the end of the file"
	case tokString:
		return "the string " + clip(t.text)
	}
	return strconv.Quote(clip(t.text))
}

// clip shortens a text so that an error stays on a line.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	cut := most
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// lexer cuts a file into tokens.
type lexer struct {
	file      string
	src       string
	off       int
	line      int
	lineStart int // offset of the current line
	errs      *errorList
	doc       []string
	blank     bool // nothing but space so far on this line
}

func newLexer(file string, src []byte, errs *errorList) *lexer {
	l := &lexer{file: file, src: string(src), line: 1, errs: errs, blank: true}
	l.src = strings.TrimPrefix(l.src, "\ufeff")
	return l
}

func (l *lexer) pos() Pos { return l.at(l.off) }

// at is the place of an offset in the current line.
func (l *lexer) at(off int) Pos { return Pos{File: l.file, Line: l.line, Col: off - l.lineStart + 1} }

func (l *lexer) newline() {
	l.line++
	l.lineStart = l.off
	l.blank = true
}

// next returns the next token, after reporting whatever before it is none.
func (l *lexer) next() token {
	for {
		l.skipSpace()
		if l.off == len(l.src) {
			return l.token(tokEOF, l.off)
		}
		start := l.off
		l.blank = false
		switch c := l.src[l.off]; {
		case isLetter(c):
			for l.off < len(l.src) && (isLetter(l.src[l.off]) || isDigit(l.src[l.off])) {
				l.off++
			}
			return l.token(tokIdent, start)
		case isDigit(c), c == '.' && l.off+1 < len(l.src) && isDigit(l.src[l.off+1]):
			return l.number()
		case c == '"' || c == '\'':
			if t, ok := l.string(); ok {
				return t
			}
		case strings.IndexByte("{}()[]:;,=.+-", c) >= 0:
			l.off++
			return l.token(tokenKind(c), start)
		default:
			l.illegal()
		}
	}
}

func (l *lexer) token(kind tokenKind, start int) token {
	t := token{pos: l.at(start), kind: kind, text: l.src[start:l.off], doc: l.doc}
	l.doc = nil
	return t
}

func isLetter(c byte) bool { return c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

// skipSpace moves to the next token and collects doc comments on the way.
func (l *lexer) skipSpace() {
	for l.off < len(l.src) {
		rest := l.src[l.off:]
		switch {
		case rest[0] == '\n':
			l.off++
			l.newline()
		case rest[0] == ' ' || rest[0] == '\t' || rest[0] == '\r':
			l.off++
		case strings.HasPrefix(rest, "///"):
			l.docLine()
		case strings.HasPrefix(rest, "//"):
			l.off += lineLength(rest)
		case strings.HasPrefix(rest, "/*"):
			l.blockComment()
		default:
			return
		}
	}
}

func lineLength(s string) int {
	if i := strings.IndexByte(s, '\n'); i >= 0 {
		return i
	}
	return len(s)
}

func (l *lexer) docLine() {
	pos := l.pos()
	text := l.src[l.off+3:]
	text = text[:lineLength(text)]
	l.off += 3 + len(text)
	if !l.blank {
		l.errs.add(pos, "a doc comment after something else on the line", "it on a line of its own above what it is about, or // for a plain comment")
		return
	}
	if !utf8.ValidString(text) {
		l.errs.add(pos, "a doc comment that is not UTF-8", "text in UTF-8")
		return
	}
	text = strings.TrimRight(text, " \t\r")
	l.doc = append(l.doc, strings.TrimPrefix(text, " "))
}

func (l *lexer) blockComment() {
	pos := l.pos()
	end := strings.Index(l.src[l.off+2:], "*/")
	if end < 0 {
		l.errs.add(pos, "a comment without an end", `"*/" after it`)
		l.off = len(l.src)
		return
	}
	stop := l.off + 2 + end + 2
	for l.off < stop {
		l.off++
		if l.src[l.off-1] == '\n' {
			l.newline()
		}
	}
}

// illegal reports a run of bytes that begin no token, and skips it.
func (l *lexer) illegal() {
	pos, start := l.pos(), l.off
	for l.off < len(l.src) {
		c := l.src[l.off]
		if c <= ' ' && c != 0 || isLetter(c) || isDigit(c) || strings.IndexByte("{}()[]:;,=.+-\"'/", c) >= 0 && l.off > start {
			break
		}
		l.off++
	}
	if l.off == start {
		l.off++
	}
	l.errs.broken = true
	l.errs.add(pos, "unexpected "+strconv.Quote(clip(l.src[start:l.off])), "a declaration, a name or a value")
}

// number reads a number without its sign: 12, 0x1F, 1.5, .5, 2e9, 0x1.8p3.
func (l *lexer) number() token {
	start, kind := l.off, tokInt
	digit, exponent := isDigit, byte('e')
	if rest := l.src[l.off:]; len(rest) > 1 && rest[0] == '0' && rest[1]|0x20 == 'x' {
		l.off += 2
		digit, exponent = isHex, 'p'
	}
	l.digits(digit)
	if l.peek() == '.' {
		kind = tokFloat
		l.off++
		l.digits(digit)
	}
	if l.peek()|0x20 == exponent {
		kind = tokFloat
		l.off++
		if c := l.peek(); c == '+' || c == '-' {
			l.off++
		}
		l.digits(isDigit)
	}
	if isLetter(l.peek()) || isDigit(l.peek()) {
		for isLetter(l.peek()) || isDigit(l.peek()) {
			l.off++
		}
		kind = tokFloat
	}
	text := l.src[start:l.off]
	if !validNumber(text, kind) {
		l.errs.add(l.at(start), "malformed number "+strconv.Quote(clip(text)), "a number such as 12, 0x1F or 1.5e3")
	}
	return l.token(kind, start)
}

func (l *lexer) digits(is func(byte) bool) {
	for is(l.peek()) {
		l.off++
	}
}

// peek returns the byte at hand, 0 at the end.
func (l *lexer) peek() byte {
	if l.off < len(l.src) {
		return l.src[l.off]
	}
	return 0
}

func validNumber(text string, kind tokenKind) bool {
	if kind == tokInt {
		return isHexNumber(text) && len(text) > 2 || !isHexNumber(text)
	}
	_, err := parseFloat(text)
	return err == nil || isRange(err)
}

func isHexNumber(text string) bool { return len(text) >= 2 && text[0] == '0' && text[1]|0x20 == 'x' }

// string reads a string in either kind of quotes. When there is none it reports why and skips the line.
func (l *lexer) string() (token, bool) {
	start, quote := l.off, l.src[l.off]
	var b strings.Builder
	l.off++
	for {
		switch c := l.peek(); {
		case l.off == len(l.src) || c == '\n':
			l.errs.broken = true
			l.errs.add(l.at(start), "a string without an end", "a closing "+string(quote)+" on the same line")
			return token{}, false
		case c == quote:
			l.off++
			t := l.token(tokString, start)
			t.str = b.String()
			return t, true
		case c == '\\':
			l.escape(&b)
		case c < ' ':
			l.errs.add(l.pos(), fmt.Sprintf("control character %#02x in a string", c), `an escape such as \t`)
			l.off++
		default:
			r, size := utf8.DecodeRuneInString(l.src[l.off:])
			if r == utf8.RuneError && size == 1 {
				l.errs.add(l.pos(), fmt.Sprintf("byte %#02x in a string, which is not UTF-8", c), "text in UTF-8")
			}
			b.WriteString(l.src[l.off : l.off+size])
			l.off += size
		}
	}
}

var simpleEscapes = map[byte]byte{
	'n': '\n', 't': '\t', 'r': '\r', 'b': '\b', 'f': '\f', '"': '"', '\'': '\'', '\\': '\\', '/': '/',
}

// escape reads what follows a backslash.
func (l *lexer) escape(b *strings.Builder) {
	pos := l.pos()
	l.off++
	c := l.peek()
	if plain, ok := simpleEscapes[c]; ok {
		l.off++
		b.WriteByte(plain)
		return
	}
	switch c {
	case 'x':
		if v, ok := l.hexEscape(2); ok {
			b.WriteByte(byte(v))
			return
		}
	case 'u':
		if r, ok := l.unicodeEscape(); ok {
			b.WriteRune(r)
			return
		}
	}
	l.errs.add(pos, "unknown escape in a string", `one of \n \t \r \b \f \" \' \\ \/ \xHH \uHHHH, surrogates in pairs`)
}

// hexEscape reads a letter and n hex digits after it.
func (l *lexer) hexEscape(n int) (rune, bool) {
	if len(l.src)-l.off < 1+n {
		return 0, false
	}
	v, err := strconv.ParseUint(l.src[l.off+1:l.off+1+n], 16, 32)
	if err != nil {
		return 0, false
	}
	l.off += 1 + n
	return rune(v), true
}

// unicodeEscape reads uHHHH, or two of them that make one character.
func (l *lexer) unicodeEscape() (rune, bool) {
	r, ok := l.hexEscape(4)
	if !ok || r < 0xD800 || r > 0xDFFF {
		return r, ok
	}
	if !strings.HasPrefix(l.src[l.off:], `\u`) || r > 0xDBFF {
		return 0, false
	}
	l.off++
	low, ok := l.hexEscape(4)
	if !ok || low < 0xDC00 || low > 0xDFFF {
		return 0, false
	}
	return 0x10000 + (r-0xD800)<<10 + (low - 0xDC00), true
}
