package fbsgen

import (
	"go/token"
	"strings"
	"unicode"
)

// initialisms are words that Go writes in one case.
var initialisms = map[string]string{
	"api": "API", "csv": "CSV", "html": "HTML", "http": "HTTP", "id": "ID", "ids": "IDs", "ip": "IP", "json": "JSON",
	"sql": "SQL", "tcp": "TCP", "tls": "TLS", "udp": "UDP", "uri": "URI", "url": "URL", "uuid": "UUID", "xml": "XML",
	"zstd": "ZSTD",
}

// exported makes an exported Go name of a name in a schema: custom_metadata is CustomMetadata, typeIds is TypeIDs.
func exported(name string) string {
	var b strings.Builder
	for part := range strings.SplitSeq(name, "_") {
		for _, word := range camelWords(part) {
			if fixed, ok := initialisms[strings.ToLower(word)]; ok {
				b.WriteString(fixed)
				continue
			}
			b.WriteString(upperFirst(word))
		}
	}
	if s := b.String(); s != "" && !unicode.IsDigit(rune(s[0])) {
		return s
	}
	return "X" + b.String()
}

// enumerator makes the end of a constant's name of the name of a value: LZ4_FRAME is LZ4Frame, DAY is Day, V5 is V5.
func enumerator(name string) string {
	parts := strings.Split(name, "_")
	for i, part := range parts {
		if part == strings.ToUpper(part) && !strings.ContainsAny(part, "0123456789") {
			parts[i] = upperFirst(strings.ToLower(part))
		}
	}
	joined := exported(strings.Join(parts, "_"))
	if joined[0] == 'X' && strings.Trim(name, "_") != "" && unicode.IsDigit(rune(strings.Trim(name, "_")[0])) {
		return joined[1:] // the enum's name comes before it
	}
	return joined
}

// unexported makes the name of a parameter of a name in a schema.
func unexported(name string) string {
	words := camelWords(exported(name))
	words[0] = strings.ToLower(words[0])
	s := strings.Join(words, "")
	if token.IsKeyword(s) || isUsed(s) {
		return s + "Value"
	}
	return s
}

// isUsed reports whether generated functions with parameters use a name for something else.
func isUsed(s string) bool {
	switch s {
	case "b", "i", "at", "tag", "byte", "bool", "int", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string", "len", "range", "flatbuffers", "flatbuf":
		return true
	}
	return false
}

// camelWords cuts a name before each capital that follows a small letter or a digit, and before the last capital of
// several when a small letter comes after it: HTTPServer has two words.
func camelWords(s string) []string {
	var words []string
	start := 0
	for i := 1; i < len(s); i++ {
		upper := isUpper(s[i])
		afterSmall := upper && !isUpper(s[i-1])
		beforeSmall := upper && isUpper(s[i-1]) && i+1 < len(s) && isLower(s[i+1]) && s[i+1:] != "s"
		if afterSmall || beforeSmall {
			words = append(words, s[start:i])
			start = i
		}
	}
	return append(words, s[start:])
}

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// lowerFirst makes the first letter small unless it begins an initialism.
func lowerFirst(s string) string {
	if s == "" || len(s) > 1 && isUpper(s[1]) {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}

// snake makes the beginning of a file's name of a name: SparseTensor is sparse_tensor.
func snake(s string) string {
	var words []string
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
		words = append(words, camelWords(part)...)
	}
	return strings.ToLower(strings.Join(words, "_"))
}
