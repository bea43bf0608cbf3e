/*
 * Memory for slabs, used again. A program gets the slabs that its data was read into for good, so
 * each gigabyte is a thousand of them; the garbage collector gives them back. malloc would return
 * pieces of this size to the system and ask for them anew: then each page is faulted in and zeroed
 * before it is read into, which costs as much as the reading. Huge pages, where the system has them
 * for who asks, save another tenth.
 */
#include "native.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
  HUGE_PAGE = 2 << 20,
  /*
   * As many die between two collections; the memory of what is free beyond them is the system's
   * again, and only its addresses stay ours.
   */
  MOST_KEPT = 128,
};

struct slab {
  void *memory;
  struct slab *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* The last given back is the first taken: it may still be in the processor's cache. */
static struct slab *free_slabs;
static int free_count;

/* One huge page's worth of slabs onto the list; the caller holds the lock. */
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
