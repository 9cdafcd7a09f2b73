package file

import (
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"

	"github.com/b2brecs/b2brecs/shared/problem"
)

// Encodings a job can name.
const (
	utf8Name  = "utf-8"
	utf16Name = "utf-16"
	latin1    = "latin-1"
	win1250   = "windows-1250"
	win1251   = "windows-1251"
	win1252   = "windows-1252"
)

var charmaps = map[string]*charmap.Charmap{
	latin1: charmap.ISO8859_1, win1250: charmap.Windows1250, win1251: charmap.Windows1251, win1252: charmap.Windows1252,
}

// charset turns single-byte text into UTF-8; nil means the text is UTF-8 already.
type charset struct{ table [256][]byte }

func charsetOf(name string) (*charset, error) {
	switch name {
	case utf8Name, utf16Name, "":
		return nil, nil
	case "iso-8859-1":
		name = latin1
	}
	cm := charmaps[name]
	if cm == nil {
		return nil, problem.New(problem.InvalidArgument, "encoding %q is not known", name).
			WithNext(problem.TurnYou, "Use utf-8, utf-16, latin-1, windows-1250, windows-1251 or windows-1252.")
	}
	c := &charset{}
	for i := range c.table {
		c.table[i] = utf8.AppendRune(nil, cm.DecodeByte(byte(i)))
	}
	return c, nil
}

// decode appends b as UTF-8 to dst. ASCII needs no work and comes back as it is.
func (c *charset) decode(dst *[]byte, b []byte) []byte {
	if c == nil {
		return b
	}
	i := 0
	for i < len(b) && b[i] < 0x80 {
		i++
	}
	if i == len(b) {
		return b
	}
	from := len(*dst)
	out := append(*dst, b[:i]...)
	for _, x := range b[i:] {
		out = append(out, c.table[x]...)
	}
	*dst = out
	return out[from:len(out):len(out)]
}

// utf16Reader decodes UTF-16 with or without a byte order mark.
func utf16Reader(r io.Reader, bigEndian bool) io.Reader {
	e := unicode.LittleEndian
	if bigEndian {
		e = unicode.BigEndian
	}
	var dec *encoding.Decoder = unicode.UTF16(e, unicode.UseBOM).NewDecoder()
	return dec.Reader(r)
}

// detectEncoding looks at a file's first bytes. whole says that they are all of it.
func detectEncoding(b []byte, whole bool) (name string, bigEndian bool, bom int) {
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		return utf8Name, false, 3
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		return utf16Name, false, 0
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}):
		return utf16Name, true, 0
	}
	if len(b) >= 4 && len(b)%2 == 0 || len(b) > 1024 {
		// ASCII in UTF-16 has a zero in every second byte.
		even, odd, pairs := 0, 0, min(len(b), 4096)/2
		for i := range pairs {
			if b[2*i] == 0 {
				even++
			}
			if b[2*i+1] == 0 {
				odd++
			}
		}
		if odd > pairs/2 && even == 0 {
			return utf16Name, false, 0
		}
		if even > pairs/2 && odd == 0 {
			return utf16Name, true, 0
		}
	}
	valid := b
	if !whole && len(valid) > 4 { // the last rune may be cut
		for n := 1; n <= 3; n++ {
			if utf8.RuneStart(valid[len(valid)-n]) {
				valid = valid[:len(valid)-n]
				break
			}
		}
	}
	if utf8.Valid(valid) {
		return utf8Name, false, 0
	}
	return singleByte(b), false, 0
}

// polish marks the bytes of Polish letters in windows-1250 that windows-1252 has
// signs for: ą ę is a letter in both, ł ś ź ż Ł Ś Ź Ż is not.
var polish = [256]bool{0xB3: true, 0xB9: true, 0xBF: true, 0x9C: true, 0x9F: true, 0xA3: true, 0xA5: true, 0x8C: true, 0x8F: true, 0xAF: true}

// singleByte tells Cyrillic from Central and Western European text. Cyrillic
// words are runs of high letters; in the others a high letter stands among ASCII.
func singleByte(b []byte) string {
	high, runs, marks := 0, 0, 0
	letter := func(i int) bool { return i >= 0 && i < len(b) && b[i] >= 0xC0 }
	ascii := func(i int) bool { return i >= 0 && i < len(b) && (b[i]|0x20 >= 'a' && b[i]|0x20 <= 'z') }
	for i, c := range b {
		if c < 0x80 {
			continue
		}
		if c >= 0xC0 {
			high++
			if letter(i-1) || letter(i+1) {
				runs++
			}
		}
		if polish[c] && (ascii(i-1) || ascii(i+1)) {
			marks++
		}
	}
	switch {
	case high > 0 && runs*2 > high:
		return win1251
	case marks > 0:
		return win1250
	}
	return win1252
}
