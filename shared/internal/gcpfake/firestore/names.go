package firestore

import (
	"regexp"
	"strings"
	"unicode/utf8"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Limits of documents, https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields.
const (
	maxID        = 1500
	maxFieldName = 1500
	maxName      = 6 << 10
	maxDepth     = 100 // of sub-collections
	maxDocument  = 1 << 20
	maxValue     = 1<<20 - 89
	maxMaps      = 20 // nested in each other
)

var reserved = regexp.MustCompile(`^__.*__$`)

func checkDatabase(s *Server, database string) error {
	if database != s.database {
		return status.Errorf(codes.NotFound, "the database %q does not exist", database)
	}
	return nil
}

// checkName checks a document's full resource name.
func checkName(s *Server, name string) error {
	rest, ok := strings.CutPrefix(name, s.root+"/")
	if !ok {
		return invalid("%q is no document of %s", name, s.database)
	}
	parts := strings.Split(rest, "/")
	if len(parts)%2 != 0 || len(parts) > 2*maxDepth || len(name)-len(s.root) > maxName {
		return invalid("%q is no document's name", name)
	}
	for _, p := range parts {
		if p == "" || len(p) > maxID || !utf8.ValidString(p) || p == "." || p == ".." || reserved.MatchString(p) {
			return invalid("%q of %q is not allowed as an id", p, name)
		}
	}
	return nil
}

// checkDocument checks fields and the size of a document
// (https://firebase.google.com/docs/firestore/storage-size).
func checkDocument(s *Server, d *pb.Document) error {
	if err := checkName(s, d.Name); err != nil {
		return err
	}
	if d.CreateTime != nil || d.UpdateTime != nil {
		return invalid("%q: times are the service's to set", d.Name)
	}
	fields, err := sizeOfFields(d.Fields, 1)
	if err != nil {
		return err
	}
	if size := fields + 32 + sizeOfName(strings.TrimPrefix(d.Name, s.root+"/")); size > maxDocument {
		return invalid("document %q has %d bytes; at most %d are allowed", d.Name, size, maxDocument)
	}
	return nil
}

func sizeOfName(rel string) int {
	n := 16
	for _, p := range strings.Split(rel, "/") {
		n += len(p) + 1
	}
	return n
}

func sizeOfFields(fields map[string]*pb.Value, depth int) (int, error) {
	if depth > maxMaps {
		return 0, invalid("maps are nested deeper than %d", maxMaps)
	}
	n := 0
	for k, v := range fields {
		if k == "" || len(k) > maxFieldName || reserved.MatchString(k) {
			return 0, invalid("%q is not allowed as a field's name", k)
		}
		size, err := sizeOf(v, depth)
		if err != nil {
			return 0, err
		}
		if size > maxValue {
			return 0, invalid("field %q has %d bytes; at most %d are allowed", k, size, maxValue)
		}
		n += len(k) + 1 + size
	}
	return n, nil
}

func sizeOf(v *pb.Value, depth int) (int, error) {
	switch t := v.GetValueType().(type) {
	case *pb.Value_NullValue, *pb.Value_BooleanValue:
		return 1, nil
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue, *pb.Value_TimestampValue:
		return 8, nil
	case *pb.Value_StringValue:
		return len(t.StringValue) + 1, nil
	case *pb.Value_BytesValue:
		return len(t.BytesValue), nil
	case *pb.Value_MapValue:
		return sizeOfFields(t.MapValue.GetFields(), depth+1)
	}
	return 0, absent("values of this type")
}

// parseField takes a field path apart: names joined by dots, quoted by backticks
// where they are not simple (StructuredQuery.FieldReference).
func parseField(s string) ([]string, error) {
	var out []string
	for rest := s; ; {
		var name strings.Builder
		if r, quoted := strings.CutPrefix(rest, "`"); quoted {
			for i := 0; ; i++ {
				if i >= len(r) {
					return nil, invalid("field path %q has an open quote", s)
				}
				if r[i] == '`' {
					rest = r[i+1:]
					break
				}
				if r[i] == '\\' {
					if i++; i >= len(r) {
						return nil, invalid("field path %q ends in an escape", s)
					}
				}
				name.WriteByte(r[i])
			}
		} else {
			end := strings.IndexByte(rest, '.')
			if end < 0 {
				end = len(rest)
			}
			if !simpleName.MatchString(rest[:end]) {
				return nil, invalid("%q of field path %q must be quoted", rest[:end], s)
			}
			name.WriteString(rest[:end])
			rest = rest[end:]
		}
		out = append(out, name.String())
		if rest == "" {
			return out, nil
		}
		if rest[0] != '.' {
			return nil, invalid("field path %q cannot be read", s)
		}
		rest = rest[1:]
	}
}

var simpleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z_0-9]*$`)
