/* The limit that graph work is held to: who is reached from some nodes, by a plain breadth-first search over compressed
   sparse rows. No semantics, no times, no reasons. Returns how many; `seen` has a byte, `queue` a place for each node. */
#include <stdint.h>
#include <string.h>

int64_t reach(const int32_t *start, const int32_t *reader, int32_t nodes, const int32_t *from, int32_t count,
              uint8_t *seen, int32_t *queue)
{
    int64_t head = 0, tail = 0;
    memset(seen, 0, (size_t)nodes);
    for (int32_t i = 0; i < count; i++)
        if (!seen[from[i]]) {
            seen[from[i]] = 1;
            queue[tail++] = from[i];
        }
    while (head < tail) {
        int32_t node = queue[head++];
        for (int32_t edge = start[node]; edge < start[node + 1]; edge++) {
            int32_t next = reader[edge];
            if (!seen[next]) {
                seen[next] = 1;
                queue[tail++] = next;
            }
        }
    }
    return tail;
}
