#ifndef GREEN_SIMULATION_TURN_STORES_H
#define GREEN_SIMULATION_TURN_STORES_H

/* All stores of one OS thread leave its buffer; one store of some OS thread does. */
void turn_drain_own_stores(int turn);
void turn_drain_some_store(void);

#endif
