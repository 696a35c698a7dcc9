package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/open-policy-agent/opa/v1/ast"
)

// maxDepth bounds the nesting of a case or a document. The deepest legal value, a condition's value inside a statement inside an
// SCP level inside a case, is at depth 11.
const maxDepth = 32

// words are the names and values that nearly every case contains. Terms are immutable once made, so each of these needs only one.
var words = func() map[string]*ast.Term {
	terms := map[string]*ast.Term{}
	for _, word := range []string{
		"id", "request", "principal", "action", "resource", "accountId", "context", "identityPolicies", "resourcePolicy",
		"permissionBoundaries", "sessionPolicy", "scps", "rcps", "name", "policy", "policies", "orgIdentifier",
		"Version", "Id", "Statement", "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource",
		"NotResource", "Condition", "AWS", "Service", "Federated", "CanonicalUser",
		"2012-10-17", "2008-10-17", "Allow", "Deny", "*", "true", "false",
		"identity", "boundary", "session", "scp", "rcp", "level", "documents", "statements",
	} {
		terms[word] = ast.StringTerm(word)
	}
	return terms
}()

// word is the shared term of one of the words, and a fresh one for any other string.
func word(s string) *ast.Term {
	if term, ok := words[s]; ok {
		return term
	}
	return ast.StringTerm(s)
}

// jsonError says what is wrong with a text as JSON, and where.
type jsonError struct {
	pointer jsontext.Pointer // the innermost value that was being read
	offset  int64            // in bytes from the start of the text
	problem string
}

func (e *jsonError) Error() string { return e.problem }

// jsonReader turns JSON text into OPA's own values in one pass over the tokens. It refuses what encoding/json lets through:
// repeated names within an object, invalid UTF-8, anything behind the value, and nesting without end.
type jsonReader struct {
	decoder  *jsontext.Decoder
	pairs    [][2]*ast.Term // members of the objects that are still open
	elements []*ast.Term    // elements of the arrays that are still open
}

// readJSON reads text, which must be exactly one JSON value. With a problem in the text it returns a *jsonError; the value is
// then nil, except where only names are repeated: there it serves to say more about the place.
func readJSON(text []byte) (ast.Value, *jsonError) {
	value, err := readJSONText(text)
	if err == nil {
		return value, nil
	}
	problem := describeJSONError(text, err)
	if errors.Is(err, jsontext.ErrDuplicateName) {
		value, _ = readJSONText(text, jsontext.AllowDuplicateNames(true))
		return value, problem
	}
	return nil, problem
}

func readJSONText(text []byte, options ...jsontext.Options) (ast.Value, error) {
	reader := newJSONReader(text, options...)
	term, err := reader.value(1)
	if err != nil {
		return nil, err
	}
	if err := reader.end(); err != nil {
		return nil, err
	}
	return term.Value, nil
}

func newJSONReader(text []byte, options ...jsontext.Options) jsonReader {
	return jsonReader{decoder: jsontext.NewDecoder(bytes.NewBuffer(text), options...)}
}

// end makes sure that nothing follows the value.
func (r *jsonReader) end() error {
	end := r.decoder.InputOffset()
	if _, err := r.decoder.ReadToken(); !errors.Is(err, io.EOF) {
		return &jsonError{offset: end, problem: "something follows the end of the JSON value"}
	}
	return nil
}

func (r *jsonReader) value(depth int) (*ast.Term, error) {
	if depth > maxDepth {
		return nil, &jsonError{
			pointer: r.decoder.StackPointer(), offset: r.decoder.InputOffset(),
			problem: fmt.Sprintf("nested deeper than %d levels", maxDepth),
		}
	}
	switch r.decoder.PeekKind() {
	case '{':
		return r.object(depth)
	case '[':
		return r.array(depth)
	}
	raw, err := r.decoder.ReadValue()
	if err != nil {
		return nil, err
	}
	switch raw.Kind() {
	case '"':
		return stringTerm(raw)
	case '0':
		// A number that no float can hold would make a comparison arbitrarily expensive.
		if _, err := strconv.ParseFloat(string(raw), 64); err != nil {
			return nil, &jsonError{
				pointer: r.decoder.StackPointer(), offset: r.decoder.InputOffset() - int64(len(raw)),
				problem: fmt.Sprintf("the number %s is out of range", shorten(string(raw))),
			}
		}
		return ast.NumberTerm(json.Number(raw)), nil
	case 't':
		return ast.InternedTerm(true), nil
	case 'f':
		return ast.InternedTerm(false), nil
	default:
		return ast.NullTerm(), nil
	}
}

func (r *jsonReader) object(depth int) (*ast.Term, error) {
	if _, err := r.decoder.ReadToken(); err != nil {
		return nil, err
	}
	start := len(r.pairs)
	for r.decoder.PeekKind() != '}' {
		raw, err := r.decoder.ReadValue()
		if err != nil {
			return nil, err
		}
		name, err := stringTerm(raw)
		if err != nil {
			return nil, err
		}
		value, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		r.pairs = append(r.pairs, [2]*ast.Term{name, value})
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return nil, err
	}
	object := ast.ObjectTerm(r.pairs[start:]...)
	r.pairs = r.pairs[:start]
	return object, nil
}

func (r *jsonReader) array(depth int) (*ast.Term, error) {
	if _, err := r.decoder.ReadToken(); err != nil {
		return nil, err
	}
	start := len(r.elements)
	for r.decoder.PeekKind() != ']' {
		element, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		r.elements = append(r.elements, element)
	}
	if _, err := r.decoder.ReadToken(); err != nil {
		return nil, err
	}
	// The array keeps the slice it is given, so it gets one of its own.
	array := ast.ArrayTerm(append([]*ast.Term(nil), r.elements[start:]...)...)
	r.elements = r.elements[:start]
	return array, nil
}

// stringTerm is the term of a JSON string as it stands in the text, quotes and escapes included.
func stringTerm(raw jsontext.Value) (*ast.Term, error) {
	text := []byte(raw[1 : len(raw)-1])
	if bytes.IndexByte(text, '\\') >= 0 {
		unquoted, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return nil, err
		}
		text = unquoted
	}
	if term, ok := words[string(text)]; ok {
		return term, nil
	}
	return ast.StringTerm(string(text)), nil
}

// describeJSONError puts the decoder's error into words that name the place.
func describeJSONError(text []byte, err error) *jsonError {
	var own *jsonError
	if errors.As(err, &own) {
		own.problem += ", " + position(text, own.offset)
		return own
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return &jsonError{problem: "is empty, expected a JSON object"}
	}
	var syntax *jsontext.SyntacticError
	if !errors.As(err, &syntax) {
		return &jsonError{problem: "is not JSON: " + err.Error()}
	}
	out := &jsonError{pointer: syntax.JSONPointer, offset: syntax.ByteOffset}
	switch {
	case errors.Is(err, jsontext.ErrDuplicateName):
		out.problem = fmt.Sprintf("%q is given twice in the same object", syntax.JSONPointer.LastToken())
	case errors.Is(err, io.ErrUnexpectedEOF):
		out.problem = "is not JSON: it ends in the middle of a value"
	default:
		out.problem = "is not JSON: " + syntax.Err.Error()
	}
	out.problem += ", " + position(text, out.offset)
	return out
}

// position is a byte offset as line and column, both from 1.
func position(text []byte, offset int64) string {
	before := text[:min(max(offset, 0), int64(len(text)))]
	line := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + len(before) - (1 + bytes.LastIndexByte(before, '\n'))
	if line == 1 {
		return fmt.Sprintf("column %d", column)
	}
	return fmt.Sprintf("line %d, column %d", line, column)
}

// shorten quotes a value for an error message, which must stay readable whatever the value's length.
func shorten(s string) string {
	const limit = 120
	if len(s) <= limit {
		return strconv.Quote(s)
	}
	return strconv.Quote(s[:limit]) + "…"
}
