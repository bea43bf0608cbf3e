/*
 * A pool of slabs, which are reused. Programs keep the slabs that their data was read into, a
 * thousand for each gigabyte, until the garbage collector returns them. malloc would return blocks
 * of this size to the system and map new ones. Each new page has to be faulted in and zeroed first,
 * which costs as much as the read itself. Huge pages, where the system allows them (madvise), save
 * another tenth.
 */
#include "native.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
  HUGE_PAGE = 2 << 20,
  /*
   * About as many slabs as one garbage collection frees. The pages of further free slabs are
   * returned to the system; only their address range is kept.
   */
  MOST_KEPT = 128,
};

struct slab {
  void *memory;
  struct slab *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The slab that was returned last is taken first, because it may still be in the CPU cache. */
static struct slab *free_slabs;
static int free_count;

/* Adds one huge page's worth of slabs to the list. The caller holds the lock. */
static void grow(void) {
  char *chunk = aligned_alloc(HUGE_PAGE, HUGE_PAGE);
  if (chunk == NULL) return;
  madvise(chunk, HUGE_PAGE, MADV_HUGEPAGE);
  for (size_t at = 0; at < HUGE_PAGE; at += SLAB_BYTES) {
    struct slab *slab = malloc(sizeof *slab);
    if (slab == NULL) return;
    *slab = (struct slab){chunk + at, free_slabs};
    free_slabs = slab;
    free_count++;
  }
}

struct slab *slab_take(void) {
  struct slab *slab;
  pthread_mutex_lock(&lock);
  if (free_slabs == NULL) grow();
  slab = free_slabs;
  if (slab != NULL) {
    free_slabs = slab->next;
    free_count--;
  }
  pthread_mutex_unlock(&lock);
  return slab;
}

void *slab_memory(struct slab *slab) { return slab->memory; }

void slab_give_back(struct slab *slab) {
  pthread_mutex_lock(&lock);
  if (free_count >= MOST_KEPT) madvise(slab->memory, SLAB_BYTES, MADV_DONTNEED);
  slab->next = free_slabs;
  free_slabs = slab;
  free_count++;
  pthread_mutex_unlock(&lock);
}
