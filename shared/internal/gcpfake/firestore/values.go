package firestore

import (
	"bytes"
	"cmp"
	"math"
	"math/big"
	"slices"
	"strings"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
)

// rank is a value's place among values of unlike type
// (https://firebase.google.com/docs/firestore/manage-data/data-types#value_type_ordering);
// 0 is a value that the fake does not sort.
func rank(v *pb.Value) int {
	switch v.GetValueType().(type) {
	case *pb.Value_NullValue:
		return 1
	case *pb.Value_BooleanValue:
		return 2
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return 3
	case *pb.Value_TimestampValue:
		return 4
	case *pb.Value_StringValue:
		return 5
	case *pb.Value_BytesValue:
		return 6
	case *pb.Value_ReferenceValue:
		return 7
	}
	return 0
}

func compare(a, b *pb.Value) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch t := a.GetValueType().(type) {
	case *pb.Value_BooleanValue:
		return cmp.Compare(bit(t.BooleanValue), bit(b.GetBooleanValue()))
	case *pb.Value_IntegerValue, *pb.Value_DoubleValue:
		return compareNumbers(a, b)
	case *pb.Value_TimestampValue:
		return t.TimestampValue.AsTime().Compare(b.GetTimestampValue().AsTime())
	case *pb.Value_StringValue:
		return strings.Compare(t.StringValue, b.GetStringValue()) // bytes of UTF-8
	case *pb.Value_BytesValue:
		return bytes.Compare(t.BytesValue, b.GetBytesValue())
	case *pb.Value_ReferenceValue:
		return compareNames(t.ReferenceValue, b.GetReferenceValue())
	}
	return 0
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// compareNumbers is exact: no integer is rounded to a double. NaN comes first.
func compareNumbers(a, b *pb.Value) int {
	x, xInt := a.GetValueType().(*pb.Value_IntegerValue)
	y, yInt := b.GetValueType().(*pb.Value_IntegerValue)
	if xInt && yInt {
		return cmp.Compare(x.IntegerValue, y.IntegerValue)
	}
	f, g := a.GetDoubleValue(), b.GetDoubleValue()
	switch {
	case !xInt && !yInt:
		return cmp.Compare(f, g)
	case !xInt && math.IsNaN(f):
		return -1
	case !yInt && math.IsNaN(g):
		return 1
	}
	return bigOf(a).Cmp(bigOf(b))
}

func bigOf(v *pb.Value) *big.Float {
	if i, ok := v.GetValueType().(*pb.Value_IntegerValue); ok {
		return new(big.Float).SetInt64(i.IntegerValue)
	}
	return big.NewFloat(v.GetDoubleValue())
}

// compareNames sorts by the ids of the path, each by its bytes.
func compareNames(a, b string) int {
	return slices.Compare(strings.Split(a, "/"), strings.Split(b, "/"))
}

// at gives the value of a field path, nil when there is none.
func at(fields map[string]*pb.Value, path []string) *pb.Value {
	for _, p := range path[:len(path)-1] {
		fields = fields[p].GetMapValue().GetFields()
	}
	return fields[path[len(path)-1]]
}
