package firestore

import (
	"math"
	"strings"
	"testing"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func TestWritesAreChecked(t *testing.T) {
	k := open(t, "")
	deep := num(1)
	for range 21 {
		deep = obj("x", deep)
	}
	for what, w := range map[string]*pb.Write{
		"reserved id": set("/c/__x__", "f", num(1)), "dots": set("/c/..", "f", num(1)), "no id": set("/c/", "f", num(1)),
		"collection": set("/c", "f", num(1)), "long id": set("/c/"+strings.Repeat("x", 1501), "f", num(1)),
		"long name":      set(strings.Repeat("/c/"+strings.Repeat("x", 1500), 5), "f", num(1)),
		"reserved field": set("/c/a", "__f__", num(1)), "no field": set("/c/a", "", num(1)), "deep": set("/c/a", "f", deep),
		"large": set("/c/a", "f", str(strings.Repeat("x", 1<<20))), "large in sum": {Operation: &pb.Write_Update{Update: &pb.Document{Name: root + "/c/a",
			Fields: map[string]*pb.Value{"a": str(strings.Repeat("x", 1<<19)), "b": str(strings.Repeat("x", 1<<19))}}}},
		"own time": {Operation: &pb.Write_Update{Update: &pb.Document{Name: root + "/c/a", UpdateTime: timestamppb.Now()}}},
	} {
		_, err := k.commit(nil, set("/c/before", "f", num(1)), w)
		want(t, what, err, codes.InvalidArgument)
	}
	for what, w := range map[string]*pb.Write{
		"array": set("/c/a", "f", &pb.Value{ValueType: &pb.Value_ArrayValue{}}),
		"mask":  {Operation: &pb.Write_Update{Update: &pb.Document{Name: root + "/c/a"}}, UpdateMask: &pb.DocumentMask{}},
	} {
		_, err := k.commit(nil, w)
		want(t, what, err, codes.Unimplemented)
	}
	if d, err := k.get(nil, "/c/before"); d != nil || err != nil {
		t.Errorf("half of a refused commit stays: %v %v", d, err)
	}
	_, err := k.c.Commit(t.Context(), &pb.CommitRequest{Database: "projects/acme/databases/other"})
	want(t, "another database", err, codes.NotFound)
	k.must(set("/c/"+strings.Repeat("x", 1500), "f", str(strings.Repeat("x", 1<<20-3100))))
}

func TestPreconditions(t *testing.T) {
	k := open(t, "")
	first := k.must(set("/c/a", "f", num(1)))
	on := func(p *pb.Precondition, w *pb.Write) error {
		w.CurrentDocument = p
		_, err := k.commit(nil, w)
		return err
	}
	exists := func(b bool) *pb.Precondition {
		return &pb.Precondition{ConditionType: &pb.Precondition_Exists{Exists: b}}
	}
	at := func(r *pb.CommitResponse) *pb.Precondition {
		return &pb.Precondition{ConditionType: &pb.Precondition_UpdateTime{UpdateTime: r.WriteResults[0].UpdateTime}}
	}
	want(t, "create what is there", on(exists(false), set("/c/a", "f", num(2))), codes.AlreadyExists)
	want(t, "change what is not", on(exists(true), set("/c/b", "f", num(2))), codes.NotFound)
	same := k.must(set("/c/a", "f", num(1)))
	if !same.WriteResults[0].UpdateTime.AsTime().Equal(first.WriteResults[0].UpdateTime.AsTime()) {
		t.Error("a write that changes nothing has an update time of its own")
	}
	want(t, "right version", on(at(first), set("/c/a", "f", num(2))), codes.OK)
	want(t, "old version", on(at(first), set("/c/a", "f", num(3))), codes.FailedPrecondition)
	want(t, "create", on(exists(false), set("/c/b", "f", num(1))), codes.OK)
}

func TestTransactions(t *testing.T) {
	k := open(t, "")
	k.must(set("/c/a", "f", num(1)))
	for what, tc := range map[string]struct {
		read  string
		other *pb.Write
		code  codes.Code
	}{
		"changed": {"/c/a", set("/c/a", "f", num(2)), codes.Aborted}, "created": {"/c/new", set("/c/new", "f", num(1)), codes.Aborted},
		"other": {"/c/a", set("/c/other", "f", num(1)), codes.OK}, "same value": {"/c/a", set("/c/a", "f", num(2)), codes.OK},
		"deleted": {"/c/a", &pb.Write{Operation: &pb.Write_Delete{Delete: root + "/c/a"}}, codes.Aborted},
	} {
		k.must(set("/c/a", "f", num(1)), set("/c/other", "f", num(0)), &pb.Write{Operation: &pb.Write_Delete{Delete: root + "/c/new"}})
		if what == "same value" {
			k.must(set("/c/a", "f", num(2)))
		}
		tx := k.begin(nil)
		if _, err := k.get(tx, tc.read); err != nil {
			t.Fatal(err)
		}
		k.must(tc.other)
		_, err := k.commit(tx)
		want(t, what, err, tc.code)
		_, err = k.commit(tx)
		want(t, what+", a second time", err, codes.InvalidArgument)
	}
	tx := k.begin(nil)
	if _, err := k.get(tx, "/c/a"); err != nil {
		t.Fatal(err)
	}
	k.must(set("/c/a", "f", num(9)))
	_, err := k.get(tx, "/c/other")
	want(t, "reads of two moments", err, codes.Aborted)
	if err := k.c.Rollback(t.Context(), &pb.RollbackRequest{Database: database, Transaction: tx}); err != nil {
		t.Error(err)
	}
	_, err = k.get(tx, "/c/a")
	want(t, "a read after the rollback", err, codes.InvalidArgument)
	ro := k.begin(&pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadOnly_{ReadOnly: &pb.TransactionOptions_ReadOnly{}}})
	_, err = k.commit(ro, set("/c/a", "f", num(1)))
	want(t, "a write in a read-only transaction", err, codes.InvalidArgument)
}

// With locks an older reader is waited for, and a younger one loses.
func TestLocks(t *testing.T) {
	k := with(t, Options{Project: "acme", Locks: true})
	k.must(set("/c/a", "f", num(1)))
	older, younger := k.begin(nil), k.begin(nil)
	for _, tx := range [][]byte{older, younger} {
		if _, err := k.get(tx, "/c/a"); err != nil {
			t.Fatal(err)
		}
	}
	waits := make(chan error, 1)
	go func() {
		_, err := k.commit(younger, set("/c/a", "f", num(2)))
		waits <- err
	}()
	select {
	case err := <-waits:
		t.Errorf("the younger came first: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	_, err := k.commit(older, set("/c/a", "f", num(3)))
	want(t, "the older", err, codes.OK)
	want(t, "the younger", <-waits, codes.Aborted)

	first, second := k.begin(nil), k.begin(nil)
	for _, tx := range [][]byte{first, second} {
		if _, err := k.get(tx, "/c/a"); err != nil {
			t.Fatal(err)
		}
	}
	go func() {
		_, err := k.commit(second, set("/c/a", "f", num(7)))
		waits <- err
	}()
	time.Sleep(20 * time.Millisecond)
	for _, tx := range [][]byte{second, first} {
		if err := k.c.Rollback(t.Context(), &pb.RollbackRequest{Database: database, Transaction: tx}); err != nil {
			t.Error(err)
		}
	}
	want(t, "a commit that was rolled back while it waited", <-waits, codes.InvalidArgument)

	reader := k.begin(nil)
	if _, err := k.get(reader, "/c/a"); err != nil {
		t.Fatal(err)
	}
	go func() {
		_, err := k.commit(nil, set("/c/a", "f", num(4)))
		waits <- err
	}()
	time.Sleep(20 * time.Millisecond)
	if d, err := k.get(reader, "/c/a"); err != nil || d.Fields["f"].GetIntegerValue() != 3 {
		t.Errorf("a locked document changed: %v %v", d, err)
	}
	if err := k.c.Rollback(t.Context(), &pb.RollbackRequest{Database: database, Transaction: reader}); err != nil {
		t.Error(err)
	}
	want(t, "the writer after the reader", <-waits, codes.OK)
	if n := k.s.Transactions(); n != 0 {
		t.Errorf("%d transactions are left", n)
	}
}

func TestOrderOfTypes(t *testing.T) {
	k := open(t, "")
	for id, v := range map[string]*pb.Value{
		"a": null(), "b": boolean(false), "c": boolean(true), "d": dbl(math.NaN()), "e": dbl(math.Inf(-1)), "f": dbl(-1.5), "g": num(1<<53 - 1),
		"h": dbl(1 << 53), "i": num(1<<53 + 1), "j": str(""), "k": str("Z"), "l": str("a"), "m": str("\uffff"), "n": str("\U00010000"),
		"map": obj("x", num(1)),
	} {
		k.must(set("/c/"+id, "v", v))
	}
	k.must(set("/c/none", "w", num(1)), set("/c/a/c/below", "v", num(1)))
	for _, tc := range []struct {
		q    *pb.StructuredQuery
		want string
	}{
		{&pb.StructuredQuery{OrderBy: by("v")}, "a b c d e f g h i j k l m n"},
		{&pb.StructuredQuery{OrderBy: by("-v"), Limit: wrapperspb.Int32(3)}, "n m l"},
		{&pb.StructuredQuery{Where: where("v", ge, num(1<<53))}, "h i"},
		{&pb.StructuredQuery{Where: where("v", lt, dbl(1<<53))}, "d e f g"}, // NaN is the least number
		{&pb.StructuredQuery{Where: where("v", eq, num(1<<53))}, "h"},
		{&pb.StructuredQuery{Where: and(where("v", ge, str("Z")), where("v", lt, str("b")))}, "k l"},
		{&pb.StructuredQuery{OrderBy: by("v"), StartAt: &pb.Cursor{Values: []*pb.Value{num(1<<53 + 1)}, Before: true}, EndAt: &pb.Cursor{Values: []*pb.Value{str("Z")}}}, "i j k"},
		{&pb.StructuredQuery{OrderBy: by("v", "__name__"), StartAt: &pb.Cursor{Values: []*pb.Value{str("Z"), ref(root + "/c/k")}}}, "l m n"},
	} {
		if got, err := k.ask(tc.q); got != tc.want || err != nil {
			t.Errorf("%v: %q, want %q, %v", tc.q, got, tc.want, err)
		}
	}
}

const someIndexes = `{"indexes":[
 {"collectionGroup":"c","queryScope":"COLLECTION","fields":[{"fieldPath":"x","order":"ASCENDING"},{"fieldPath":"v","order":"DESCENDING"}]},
 {"collectionGroup":"c","queryScope":"COLLECTION","fields":[{"fieldPath":"y","order":"ASCENDING"},{"fieldPath":"v","order":"DESCENDING"}]}],
 "fieldOverrides":[{"collectionGroup":"c","fieldPath":"off","indexes":[]},
 {"collectionGroup":"c","fieldPath":"group","indexes":[{"order":"ASCENDING","queryScope":"COLLECTION_GROUP"}]}]}`

func TestIndexes(t *testing.T) {
	k := open(t, someIndexes)
	x, y, z := where("x", eq, num(1)), where("y", eq, num(1)), where("z", eq, num(1))
	group := []*pb.StructuredQuery_CollectionSelector{{CollectionId: "c", AllDescendants: true}}
	for _, tc := range []struct {
		what string
		q    *pb.StructuredQuery
		code codes.Code
	}{
		{"equalities", &pb.StructuredQuery{Where: and(x, y, z)}, codes.OK},
		{"one order", &pb.StructuredQuery{OrderBy: by("-q")}, codes.OK},
		{"one range", &pb.StructuredQuery{Where: where("q", lt, num(1))}, codes.OK},
		{"composite", &pb.StructuredQuery{Where: x, OrderBy: by("-v")}, codes.OK},
		{"composite and a range", &pb.StructuredQuery{Where: and(x, where("v", lt, num(1))), OrderBy: by("-v")}, codes.OK},
		{"merged", &pb.StructuredQuery{Where: and(x, y), OrderBy: by("-v")}, codes.OK},
		{"half merged", &pb.StructuredQuery{Where: and(x, z), OrderBy: by("-v")}, codes.FailedPrecondition},
		{"other direction", &pb.StructuredQuery{Where: x, OrderBy: by("v")}, codes.FailedPrecondition},
		{"name descending", &pb.StructuredQuery{OrderBy: by("-__name__")}, codes.FailedPrecondition},
		{"name against the field", &pb.StructuredQuery{OrderBy: by("v", "-__name__")}, codes.FailedPrecondition},
		{"two orders", &pb.StructuredQuery{OrderBy: by("v", "w")}, codes.FailedPrecondition},
		{"an exempt field", &pb.StructuredQuery{Where: where("off", eq, num(1))}, codes.FailedPrecondition},
		{"an exempt order", &pb.StructuredQuery{OrderBy: by("off")}, codes.FailedPrecondition},
		{"group", &pb.StructuredQuery{From: group, Where: where("group", ge, num(1))}, codes.OK},
		{"group, other direction", &pb.StructuredQuery{From: group, OrderBy: by("-group")}, codes.FailedPrecondition},
		{"group, other field", &pb.StructuredQuery{From: group, OrderBy: by("v")}, codes.FailedPrecondition},
		{"group's field alone", &pb.StructuredQuery{Where: where("group", ge, num(1))}, codes.FailedPrecondition},
		{"range beside the order", &pb.StructuredQuery{Where: where("v", lt, num(1)), OrderBy: by("w")}, codes.InvalidArgument},
		{"order by a fixed field", &pb.StructuredQuery{Where: x, OrderBy: by("x")}, codes.InvalidArgument},
		{"unquoted field", &pb.StructuredQuery{OrderBy: by("a-b")}, codes.InvalidArgument},
		{"quoted field", &pb.StructuredQuery{OrderBy: by("f.`a-b`")}, codes.OK},
		{"cursor too long", &pb.StructuredQuery{OrderBy: by("v"), StartAt: &pb.Cursor{Values: []*pb.Value{num(1), num(1), num(1)}}}, codes.InvalidArgument},
		{"cursor of elsewhere", &pb.StructuredQuery{StartAt: &pb.Cursor{Values: []*pb.Value{ref(root + "/d/a")}}}, codes.InvalidArgument},
		{"offset", &pb.StructuredQuery{Offset: 1}, codes.Unimplemented},
		{"projection", &pb.StructuredQuery{Select: &pb.StructuredQuery_Projection{}}, codes.Unimplemented},
		{"in", &pb.StructuredQuery{Where: where("x", pb.StructuredQuery_FieldFilter_IN, num(1))}, codes.Unimplemented},
		{"two ranges", &pb.StructuredQuery{Where: and(where("v", lt, num(1)), where("w", lt, num(1)))}, codes.Unimplemented},
	} {
		_, err := k.ask(tc.q)
		want(t, tc.what, err, tc.code)
	}
}

func TestIndexFileIsChecked(t *testing.T) {
	for _, file := range []string{
		`{`, `{"index":[]}`, `{"indexes":[{"collectionGroup":"c","queryScope":"COLLECTION","fields":[{"fieldPath":"x","order":"ASCENDING"}]}]}`,
		`{"indexes":[{"collectionGroup":"c","queryScope":"ALL","fields":[{"fieldPath":"x","order":"ASCENDING"},{"fieldPath":"y","order":"ASCENDING"}]}]}`,
		`{"fieldOverrides":[{"collectionGroup":"c","fieldPath":"x","indexes":[{"order":"UP","queryScope":"COLLECTION"}]}]}`,
		`{"fieldOverrides":[{"collectionGroup":"c","indexes":[]}]}`,
	} {
		if s, err := Start(Options{Project: "acme", Indexes: []byte(file)}); err == nil {
			s.Close()
			t.Errorf("accepted: %s", file)
		}
	}
}
